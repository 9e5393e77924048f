"""Evaluations that the page asks for, made beside other work, on simulations of their own."""

from collections.abc import Callable

from tabrl_py.algos.evaluate import Evaluator
from tabrl_py.errors import ConfigError, TabrlError
from tabrl_py.policy import Policy, check_fits, load_policy
from tabrl_py.protocol import Evaluated, Evaluation, RequestEvaluation
from tabrl_py.rewards.library import reward_of
from tabrl_py.tasks import TaskSpec, with_reward
from tabrl_py.workers.host import Host, failed
from tabrl_py.workers.messages import task_of

MOST_SEEDS = 256


def check_seeds(seeds: list[int]) -> None:
    """Raise ConfigError unless episodes can be started from these seeds."""
    if not 1 <= len(seeds) <= MOST_SEEDS or not all(type(s) is int and 0 <= s < 2**32 for s in seeds):
        raise ConfigError(
            f"seeds={str(seeds)[:80]} cannot be evaluated; give 1 to {MOST_SEEDS} numbers below 2**32"
        )


class Evaluations:
    """A queue of evaluations, one vector step at a time; the first that was asked for is finished first."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._running: list[tuple[int, Evaluator, Callable[[Evaluation], None]]] = []

    @property
    def busy(self) -> bool:
        """Whether an evaluation is running."""
        return bool(self._running)

    def request(self, message: RequestEvaluation) -> None:
        """Begin what the page asked for; it gets an Evaluated message.

        Raises:
            PolicyFileError: the policy is damaged or does not fit the task.
            ConfigError: no seeds, too many, or an unknown task.
            RewardError: the reward code is not sound.
        """
        task = task_of(message.task)
        policy = None if message.policy is None else load_policy(message.policy)
        if policy is not None:
            check_fits(policy, task)
        task = with_reward(task, message.reward if policy is None else policy.reward)
        self.begin(
            policy,
            task,
            message.model_xml,
            message.seeds,
            lambda evaluation: self._host.post(Evaluated(message.id, evaluation)),
            request=message.id,
        )

    def begin(
        self,
        policy: Policy | None,
        task: TaskSpec,
        xml: str,
        seeds: list[int],
        then: Callable[[Evaluation], None],
        request: int = 0,
    ) -> None:
        """Evaluate a policy, or random actions, and call `then` with the result.

        `request` is the message that hears of an error on the way; 0: none.

        Raises:
            ConfigError: no seeds, too many, or some that are not.
            RewardError: the task's reward is code that is not sound.
        """
        reward_of(task)
        check_seeds(seeds)
        sim = self._host.make_sim(task, xml, len(seeds))
        self._running.append((request, Evaluator(policy, task, sim, seeds), then))

    def advance(self) -> None:
        """One vector step of the first evaluation."""
        request, evaluator, then = self._running[0]
        try:
            evaluation = evaluator.advance()
        except TabrlError as error:  # of this evaluation alone; other work goes on
            self._running.pop(0)
            evaluator.sim.close()
            self._host.post(failed(error, fatal=False, request=request))
            return
        if evaluation is not None:
            self._running.pop(0)
            evaluator.sim.close()
            then(evaluation)
