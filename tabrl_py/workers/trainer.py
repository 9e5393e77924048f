"""The trainer of a worker: one run, driven by messages, reported by messages."""

import dataclasses

from tabrl_py.algos.checkpoint import read_checkpoint
from tabrl_py.algos.shards import Share
from tabrl_py.algos.training import Training
from tabrl_py.config import Recipe
from tabrl_py.errors import ConfigError
from tabrl_py.policy import load_policy, save_policy
from tabrl_py.policy.file import parse
from tabrl_py.protocol import (
    CheckpointFile,
    Evaluated,
    Evaluation,
    Frame,
    Pause,
    PolicyFile,
    Progressed,
    Push,
    RequestCheckpoint,
    RequestEvaluation,
    RequestPolicy,
    Resume,
    RunState,
    Started,
    StartTraining,
    StateChanged,
    Stop,
    ToWorker,
)
from tabrl_py.tasks import with_reward
from tabrl_py.workers.evaluations import Evaluations
from tabrl_py.workers.host import Host
from tabrl_py.workers.messages import task_of

FINAL_SEEDS = list(range(10))
"""At the end of a run its policy is evaluated on these; the result stands in the policy file."""
WAIT_S = 0.002
"""Until the other workers are asked after again, where asking does not itself wait for them."""


class Run:
    """A training, or this worker's part of one, with what the worker keeps beside it.

    Attributes:
        leads: whether this worker speaks for the team: sends records, files and the evaluation.
    """

    def __init__(self, host: Host, message: StartTraining) -> None:
        """Begin a run, or go on with one.

        Raises:
            ConfigError: the recipe or the message is not sound.
            PolicyFileError: the checkpoint or the policy is damaged or does not fit.
            ModelError: the model does not fit the task.
        """
        recipe = Recipe.from_json(message.recipe)
        self.task = with_reward(task_of(message.task), recipe.reward)
        self.model_xml = message.model_xml
        if message.checkpoint is not None:
            _check_same(recipe, message.checkpoint)
        if message.checkpoint_every_updates < 1 or message.visible < 0:
            raise ConfigError(
                f"checkpoint_every_updates={message.checkpoint_every_updates} must be at least 1, "
                f"visible={message.visible} at least 0"
            )
        self.checkpoint_every_updates = message.checkpoint_every_updates
        self.leads, self._learning = message.member == 0, message.learning
        start = None if message.policy is None else load_policy(message.policy)
        team = host.team(message.members, message.member)
        rows = Share(recipe.n_envs, team).rows
        self.sim = host.make_sim(self.task, message.model_xml, len(rows))
        try:
            if message.checkpoint is not None:
                self.training = Training.resume(message.checkpoint, self.task, self.sim, team)
            else:
                self.training = Training(recipe, self.task, self.sim, team)
                if start is not None:
                    self.training.start_from(start)
            self.sim.watch(range(max(0, min(message.visible, rows.stop) - rows.start)))
        except BaseException:  # raised again; the engine's memory is freed by nobody else
            self.sim.close()
            raise
        self.state: RunState = "running"
        self.ending: RunState | None = None
        """What the run becomes when its last evaluation is done."""

    def started(self) -> Started:
        """The message that announces the run."""
        first = self.training.share.rows.start
        return Started(
            task_id=self.task.id,
            n_envs=self.training.recipe.n_envs,
            rows=[first + row for row in self.sim.watched],
            dt=self.sim.dt,
            obs_size=self.task.obs_size,
            action_size=self.task.action_size,
            parameters=int(self.training.policy().params.size),
            steps=self.training.steps,
            arithmetic=self.training.algorithm.arithmetic,
        )

    def push(self, message: Push) -> None:
        """Pull on a robot of this worker's.

        Raises:
            ValueError: another worker has the row, or there is no such row or body.
        """
        rows = self.training.share.rows
        if message.row not in rows:
            raise ValueError(f"row={message.row} is not here; the rows are {rows.start} to {rows.stop - 1}")
        force, point = _vector(message.force_n), _vector(message.point_m)
        self.sim.push(message.row - rows.start, message.body, force, point, message.steps)

    def policy_file(self, request: int = 0, evaluation: Evaluation | None = None) -> PolicyFile:
        """The present policy."""
        record = None if evaluation is None else dataclasses.asdict(evaluation)
        policy = self.training.policy(record, learning=self._learning)
        return PolicyFile(request, save_policy(policy), policy.steps)

    def checkpoint_file(self, request: int = 0) -> CheckpointFile:
        """The run as it was at the beginning of the present rollout."""
        checkpoint = self.training.checkpoint()
        return CheckpointFile(request, checkpoint, int(read_checkpoint(checkpoint)[1]["steps"]))

    def frame(self) -> Frame:
        """What the watched robots look like now."""
        rows, episodes = list(self.sim.watched), self.training.statistics
        return Frame(
            poses=self.sim.poses.tobytes(),
            torques=self.sim.torques.tobytes(),
            returns=[float(x) for x in episodes.returns[rows]],
            steps=[int(x) for x in episodes.lengths[rows]],
            sim_s=self.training.steps / self.training.recipe.n_envs * self.sim.dt,
            real_time_factor=None,
        )


class Trainer:
    """Takes the page's messages for a run; advance() takes it one piece further. Fulfils Role."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._run: Run | None = None
        self._evaluations = Evaluations(host)
        self._shown = -1

    def handle(self, message: ToWorker) -> None:
        """See Role.handle.

        Raises:
            TabrlError: the message asks for what cannot be; the worker goes on as before.
        """
        match message:
            case StartTraining():
                self._start(message)
            case Pause():
                self._change("running", "paused")
            case Resume():
                self._change("paused", "running")
            case Stop():
                self._end("stopped")
            case Push():
                self._present().push(message)
            case RequestPolicy():
                self._host.post(self._present().policy_file(message.id))
            case RequestCheckpoint():
                self._host.post(self._present().checkpoint_file(message.id))
            case RequestEvaluation():
                self._evaluations.request(message)
            case _:
                raise ConfigError(f"a trainer cannot take {type(message).__name__}; send it to a player")

    def advance(self) -> float | None:
        """See Role.advance: one vector step of an evaluation, and one piece of training."""
        evaluating = self._evaluations.busy
        if evaluating:
            self._evaluations.advance()
        run = self._run
        if run is None or run.state != "running" or run.ending is not None:
            return 0.0 if evaluating else None
        began = self._host.now()
        self._train(run)
        asked_in_vain = run.training.waiting and self._host.now() - began < WAIT_S
        return WAIT_S if asked_in_vain and not evaluating else 0.0

    def publish(self) -> None:
        """See Role.publish."""
        run = self._run
        if run is not None and run.sim.watched and self._shown != run.training.steps:
            self._shown = run.training.steps
            self._host.post(run.frame())

    def _train(self, run: Run) -> None:
        progress = run.training.advance()
        if progress is not None and run.leads:
            self._host.post(Progressed(progress))
            if progress.update % run.checkpoint_every_updates == 0 and not run.training.finished:
                self._host.post(run.checkpoint_file())
                self._host.post(run.policy_file())
        if run.training.finished:
            self._end("finished")

    def _start(self, message: StartTraining) -> None:
        run = Run(self._host, message)
        if self._run is not None:
            self._run.sim.close()
        self._run = run
        self._shown = -1
        self._host.post(run.started())

    def _change(self, before: RunState, after: RunState) -> None:
        run = self._present()
        if run.state == before and run.ending is None:
            run.state = after
            run.training.rest()
            if run.leads:
                self._host.post(StateChanged(after))

    def _end(self, state: RunState) -> None:
        """Send what was learned, evaluate it, and send it again with the evaluation in it; or be still."""
        run = self._present()
        if run.ending is not None or run.state in ("finished", "stopped"):
            return
        if not run.leads:
            run.state = state
            return
        run.ending = state
        self._host.post(run.checkpoint_file())
        self._host.post(run.policy_file())

        def evaluated(evaluation: Evaluation) -> None:
            self._host.post(Evaluated(0, evaluation))
            self._host.post(run.policy_file(evaluation=evaluation))
            run.state = state
            self._host.post(StateChanged(state))

        self._evaluations.begin(run.training.policy(), run.task, run.model_xml, FINAL_SEEDS, evaluated)

    def _present(self) -> Run:
        if self._run is None:
            raise ConfigError("there is no run yet; start one first")
        return self._run


def _check_same(recipe: Recipe, checkpoint: bytes) -> None:
    """Raise ConfigError where a checkpoint belongs to another recipe."""
    theirs = Recipe.from_json(parse(read_checkpoint(checkpoint)[1], "recipe", dict))
    if theirs != recipe:
        ours, others = recipe.to_json(), theirs.to_json()
        different = [name for name in ours if ours[name] != others[name]]
        raise ConfigError(
            f"the checkpoint belongs to another recipe: {', '.join(different)} differ; "
            "start with the recipe it was made with"
        )


def _vector(values: list[float]) -> tuple[float, float, float]:
    x, y, z = values
    return x, y, z
