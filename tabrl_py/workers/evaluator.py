"""The evaluator of a worker: measures fitness, tries code, reads and writes other programs' policies.

It is given weights, and no reward. What only files need is imported with the first of them.
"""

from collections import deque

from tabrl_py.code_messages import CodeProblem, CodeTried, Fitness, MeasureFitness, TryCode
from tabrl_py.errors import ConfigError, TabrlError
from tabrl_py.policy import check_fits, load_policy, save_policy
from tabrl_py.policy_messages import PolicyRead, PolicyWritten, ReadPolicy, WritePolicy
from tabrl_py.protocol import ToWorker
from tabrl_py.rewards.check import check_source
from tabrl_py.rewards.measure import Measurement
from tabrl_py.rewards.problems import Problem
from tabrl_py.rewards.trial import Recording, Trial, record, try_source
from tabrl_py.robot_messages import ProposeTask
from tabrl_py.sim.batch import BatchSim
from tabrl_py.tasks import TaskSpec, with_signals
from tabrl_py.workers.evaluations import check_seeds
from tabrl_py.workers.host import Host, failed
from tabrl_py.workers.messages import task_of

MOST_ROWS = 32
"""Episodes that run side by side."""
TRIED_ENVS = 32
MOST_RECORDINGS = 4


class Evaluator:
    """Takes the page's measurements one after the other, one vector step at a time. Fulfils Role."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._waiting: deque[tuple[int, Measurement, BatchSim]] = deque()
        self._recordings: dict[str, Recording] = {}

    def handle(self, message: ToWorker) -> None:
        """See Role.handle.

        Raises:
            TabrlError: the message asks for what cannot be; the worker goes on as before.
        """
        match message:
            case MeasureFitness():
                self._measure(message)
            case TryCode():
                self._try(message)
            case WritePolicy():
                from tabrl_py.policy.exports import export_policy

                policy = load_policy(message.policy)
                task = None if message.task is None else task_of(message.task)
                file = export_policy(policy, message.format, message.actuators, task)
                self._host.post(PolicyWritten(message.id, file))
            case ReadPolicy():
                from tabrl_py.policy.imports.read import import_policy

                policy = import_policy(message.file, message.task, message.normalizer)
                self._host.post(PolicyRead(message.id, save_policy(policy)))
            case ProposeTask():
                from tabrl_py.workers.own_robots import proposed

                self._host.post(proposed(message))
            case _:
                raise ConfigError(f"an evaluator cannot take {type(message).__name__}")

    def advance(self) -> float | None:
        """See Role.advance: one vector step of the first measurement."""
        if not self._waiting:
            return None
        request, measurement, sim = self._waiting[0]
        try:
            report = measurement.advance()
        except TabrlError as error:  # of this measurement alone; the others go on
            self._waiting.popleft()
            sim.close()
            self._host.post(failed(error, fatal=False, request=request))
            return 0.0 if self._waiting else None
        if report is not None:
            self._waiting.popleft()
            sim.close()
            self._host.post(
                Fitness(
                    request, report.fitness, report.per_seed, report.metrics, report.lengths, report.falls
                )
            )
        return 0.0 if self._waiting else None

    def publish(self) -> None:
        """See Role.publish: an evaluator shows nothing."""

    def _measure(self, message: MeasureFitness) -> None:
        task = task_of(message.task)
        policy = load_policy(message.policy)
        check_fits(policy, task)
        check_seeds(message.seeds)
        rows = min(len(message.seeds), MOST_ROWS)
        sim = self._host.make_sim(with_signals(task), message.model_xml, rows)
        try:
            measurement = Measurement(policy, task, message.fitness, sim, message.seeds)
        except BaseException:  # raised again; the engine's memory is freed by nobody else
            sim.close()
            raise
        self._waiting.append((message.id, measurement, sim))

    def _try(self, message: TryCode) -> None:
        task, function = task_of(message.task), message.function
        if function not in ("reward", "fitness"):
            raise ConfigError(f"function={function!r} is not known; choose reward or fitness")
        problems = check_source(message.source, task, function)
        if problems or not message.model_xml:
            self._host.post(CodeTried(message.id, _told(problems), 0.0, [], {}))
            return
        trial = try_source(message.source, task, self._recording(task, message.model_xml), function)
        self._host.post(_tried(message.id, trial))

    def _recording(self, task: TaskSpec, xml: str) -> Recording:
        """Steps of the task's robot, which act at random; kept for the next trial."""
        if task.id not in self._recordings:
            if len(self._recordings) == MOST_RECORDINGS:
                self._recordings.pop(next(iter(self._recordings)))
            sim = self._host.make_sim(with_signals(task), xml, TRIED_ENVS)
            try:
                self._recordings[task.id] = record(task, sim)
            finally:
                sim.close()
        return self._recordings[task.id]


def _told(problems: list[Problem]) -> list[CodeProblem]:
    return [CodeProblem(each.line, each.column, each.rule, each.message) for each in problems]


def _tried(request: int, trial: Trial) -> CodeTried:
    terms = {name: list(values) for name, values in trial.terms.items()}
    return CodeTried(request, _told(trial.problems), trial.ms_per_4096, list(trial.total), terms)
