"""The player of a worker: a policy acts, nothing is learned, at the pace the page asks for."""

import math
from typing import Protocol

import numpy as np

from tabrl_py.algos.evaluate import RandomActions
from tabrl_py.errors import ConfigError
from tabrl_py.player_messages import Inspect, ResetRows, SetSpeed, SingleStep, StartPlaying, Steer
from tabrl_py.policy import Policy, check_fits, load_policy
from tabrl_py.protocol import (
    Detail,
    EpisodeEnded,
    Frame,
    Pause,
    Push,
    RequestEvaluation,
    Resume,
    RunState,
    Started,
    StateChanged,
    ToWorker,
)
from tabrl_py.rewards.library import compute_reward, reward_of
from tabrl_py.rng import Purpose, stream
from tabrl_py.sim.events import Episodes, Events
from tabrl_py.sim.inside import InspectableSim
from tabrl_py.tasks import sample_reset, with_reward
from tabrl_py.types import F32, F64, I64, Bool, Float
from tabrl_py.workers.evaluations import Evaluations
from tabrl_py.workers.host import Host
from tabrl_py.workers.messages import task_of
from tabrl_py.workers.pace import Pace

MOST_ENVS = 1024
MOST_ROWS = 8192
"""Rows of a show, in all its workers together."""


class Actor(Protocol):
    """Whatever chooses actions."""

    def act(self, obs: Float) -> F32:
        """(N, A) actions for (N, O) observations."""
        ...


class NoisyPolicy:
    """A policy with the exploration noise of its training, from a stream of each row's own."""

    def __init__(self, policy: Policy, seeds: list[int]) -> None:
        self._policy = policy
        self._streams = [stream(seed, Purpose.ACTION) for seed in seeds]

    def act(self, obs: Float) -> F32:
        """See Actor.act."""
        policy = self._policy
        mean = policy.mean(obs)
        noise = np.stack([rng.standard_normal(mean.shape[1], np.float32) for rng in self._streams])
        return policy.to_task(mean + np.exp(policy.log_std) * noise)


class Show:
    """Environments in which one policy acts, and the episodes they are in."""

    def __init__(self, host: Host, message: StartPlaying) -> None:
        """Row k of the show starts its first episode from evaluation seed `seed + k`.

        Raises:
            ConfigError: the message is not sound.
            PolicyFileError: the policy is damaged or does not fit the task.
            ModelError: the model does not fit the task.
            RewardError: the policy's reward code is not sound.
        """
        self._host = host
        self.task = task_of(message.task)
        if not 1 <= message.n_envs <= MOST_ENVS:
            raise ConfigError(f"n_envs={message.n_envs} cannot be shown; choose 1 to {MOST_ENVS}")
        if not 0 <= message.seed < 2**32 - MOST_ROWS:
            raise ConfigError(f"seed={message.seed} is out of range; choose 0 to {2**32 - MOST_ROWS - 1}")
        if not 0 <= message.first_row <= MOST_ROWS - message.n_envs:
            raise ConfigError(f"first_row={message.first_row} is out of range; a show has {MOST_ROWS} rows")
        self.policy = None if message.policy is None else load_policy(message.policy)
        if self.policy is not None:
            check_fits(self.policy, self.task)
            # What a robot was trained for is what its returns are counted in.
            self.task = with_reward(self.task, self.policy.reward)
        reward_of(self.task)
        self.deterministic = message.deterministic
        self.first_row = message.first_row
        self.seeds = [message.seed + self.first_row + row for row in range(message.n_envs)]
        self.sim = host.make_sim(self.task, message.model_xml, message.n_envs)
        n = message.n_envs
        self.returns: F64 = np.zeros(n)
        self.lengths: I64 = np.zeros(n, np.int64)
        self.episodes: I64 = np.zeros(n, np.int64)
        self.disturbed: Bool = np.zeros(n, np.bool_)
        self._terms: dict[str, F64] = {}
        self._actions: F32 = np.zeros((n, self.task.action_size), np.float32)
        self._inspected: int | None = None
        self._starts: F64 = np.zeros(n)
        place = self.task.signal_slices().get(self.task.forward_axis)
        self._forward = None if place is None else place.start
        self.steps = 0
        self._events = Events(self.task, self.sim)
        self._seeds: I64 = np.array(self.seeds, np.int64)
        self._rows: I64 = self.first_row + np.arange(n, dtype=np.int64)
        self._command: F64 | None = None
        self.reset()
        self.sim.watch(range(n))

    def reset(self) -> None:
        """Start every row anew, from its evaluation seed."""
        self.actor = self._new_actor()
        for array in (self.returns, self.lengths, self.episodes, self.disturbed):
            array[...] = 0
        self._terms = {}
        sim = self.sim
        for row, seed in enumerate(self.seeds):
            self._begin_with(row, stream(seed, Purpose.EVALUATION))
        sim.reset()
        for row in range(sim.n_envs):
            self._refill(row)

    def _new_actor(self) -> Actor:
        if self.policy is None:
            return RandomActions(self.task, self.seeds)
        return self.policy if self.deterministic else NoisyPolicy(self.policy, self.seeds)

    def _refill(self, row: int) -> None:
        episode = int(self.episodes[row]) + 1
        self._begin_with(row, stream(self.seeds[row], Purpose.PLAY, self.first_row + row, episode))

    def _begin_with(self, row: int, rng: np.random.Generator) -> None:
        """Draw the row's next first state; while somebody steers, it begins with that command."""
        sim, task = self.sim, self.task
        first = sample_reset(task, sim.qpos0, sim.nv, rng)
        if self._command is not None:
            first[sim.nq + sim.nv :][: task.command_size] = self._command
        sim.next_init[row] = first

    def steer(self, message: Steer) -> None:
        """Give every row a command, within the task's bounds, or let the task draw them again.

        Raises:
            ConfigError: the task takes no command, or one of another length.
        """
        spec = self.task.command
        if spec is None:
            raise ConfigError(f"task {self.task.id} takes no command; nothing to steer")
        given = message.command
        if given and (len(given) != spec.size or not all(math.isfinite(x) for x in given)):
            raise ConfigError(f"command={given} must be {spec.size} numbers: {', '.join(spec.names)}")
        self._command = np.clip(given, spec.low, spec.high) if given else None
        self.disturbed[...] = True
        if self._command is not None:
            everyone = range(self.sim.n_envs)
            self.sim.set_commands(everyone, np.tile(self._command, (self.sim.n_envs, 1)))
        for row in range(self.sim.n_envs):
            self._refill(row)

    def step(self) -> None:
        """One control step of every row; tells the page of the episodes that ended."""
        sim = self.sim
        if self._events.any:
            # The first episode is the evaluation's of the same seed, with its commands and pushes.
            index = np.where(self.episodes == 0, 0, self._rows)
            episodes = Episodes(self._seeds, index, self.episodes)
            self._events.before_step(episodes, commanded=self._command is not None)
        actions = self._actions = self.actor.act(sim.obs)
        sim.step(actions)
        reward, self._terms = compute_reward(sim, actions)
        if self._forward is not None:
            first = self.lengths == 0
            self._starts[first] = sim.prev_signals[first, self._forward]
        self.returns += np.where(np.isfinite(reward), reward, 0.0)
        self.lengths += 1
        self.steps += 1
        for row in np.flatnonzero(sim.terminated | sim.truncated).tolist():
            self._host.post(self._ended(row))
            self.returns[row] = 0.0
            self.lengths[row] = 0
            self.disturbed[row] = False
            self.episodes[row] += 1
            self._refill(row)

    def _ended(self, row: int) -> EpisodeEnded:
        distance = None
        if self._forward is not None:
            distance = float(self.sim.signals[row, self._forward] - self._starts[row])
        return EpisodeEnded(
            row=self.first_row + row,
            seed=self.seeds[row] if self.episodes[row] == 0 else None,
            episode_return=float(self.returns[row]),
            steps=int(self.lengths[row]),
            terminated=bool(self.sim.terminated[row]),
            distance=distance,
            disturbed=bool(self.disturbed[row]) or self._command is not None,
        )

    def push(self, message: Push) -> None:
        """Pull on a body of a row.

        Raises:
            ValueError: no such row or body, or a force or point that is not finite.
        """
        x, y, z = message.force_n
        px, py, pz = message.point_m
        row = message.row - self.first_row
        self.sim.push(row, message.body, (x, y, z), (px, py, pz), message.steps)
        self.disturbed[row] = True

    def started(self) -> Started:
        """The message that announces the show."""
        return Started(
            task_id=self.task.id,
            n_envs=self.sim.n_envs,
            rows=[self.first_row + row for row in self.sim.watched],
            dt=self.sim.dt,
            obs_size=self.task.obs_size,
            action_size=self.task.action_size,
            parameters=0 if self.policy is None else int(self.policy.params.size),
            steps=0 if self.policy is None else self.policy.steps,
        )

    def inspect(self, row: int) -> None:
        """Tell of a robot's inside from now on; of none with a row that is not here."""
        here = row - self.first_row
        self._inspected = here if 0 <= here < self.sim.n_envs else None

    def detail(self) -> Detail | None:
        """What goes on inside the robot that somebody looks into."""
        row, sim = self._inspected, self.sim
        if row is None or not isinstance(sim, InspectableSim):
            return None
        action = self._actions[row]
        return Detail(
            row=self.first_row + row,
            action=[float(x) for x in action],
            signals=[float(x) for x in sim.signals[row]],
            terms=self.terms(row),
            **vars(sim.inside(row, action)),
        )

    def terms(self, row: int) -> dict[str, float]:
        """The weighted terms of the reward of the row's last step; empty before there was one."""
        return {name: float(term[row]) for name, term in self._terms.items()}

    def frame(self, real_time_factor: float | None) -> Frame:
        """What the robots look like now."""
        return Frame(
            poses=self.sim.poses.tobytes(),
            torques=self.sim.torques.tobytes(),
            returns=[float(x) for x in self.returns],
            steps=[int(x) for x in self.lengths],
            sim_s=self.steps * self.sim.dt,
            real_time_factor=real_time_factor,
            commands=self._commands(),
        )

    def _commands(self) -> list[float]:
        """The command of every row, as it sees it."""
        at = 0
        for field in self.task.observation:
            if field.source == "command":
                return [float(x) for x in self.sim.obs[:, at : at + field.size].ravel() / field.scale]
            at += field.size
        return []


class Player:
    """Takes the page's messages for a show; advance() makes the steps that are due. Fulfils Role."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._show: Show | None = None
        self._pace = Pace(1.0, 1.0, host.now())
        self._state: RunState = "paused"
        self._evaluations = Evaluations(host)
        self._changed = False

    def handle(self, message: ToWorker) -> None:
        """See Role.handle.

        Raises:
            TabrlError: the message asks for what cannot be; the worker goes on as before.
        """
        match message:
            case StartPlaying():
                self._start(message)
            case SetSpeed():
                self._pace.set_speed(message.speed)
                self._pace.restart(self._host.now())
            case Pause():
                self._enter("paused")
            case Resume():
                self._enter("running")
            case SingleStep():
                self._enter("paused")
                self._step()
            case Push():
                self._present().push(message)
            case ResetRows() | Steer() | Inspect():
                self._tell(self._present(), message)
            case RequestEvaluation():
                self._evaluations.request(message)
            case _:
                raise ConfigError(f"a player cannot take {type(message).__name__}; send it to a trainer")

    def _tell(self, show: Show, message: ResetRows | Steer | Inspect) -> None:
        """Have the show do what the next frame shows."""
        match message:
            case ResetRows():
                show.reset()
            case Steer():
                show.steer(message)
            case Inspect():
                show.inspect(message.row)
        self._changed = True

    def advance(self) -> float | None:
        """See Role.advance: the control step that is due, and one vector step of an evaluation."""
        wait: float | None = None
        if self._show is not None and self._state == "running":
            wait = self._pace.wait(self._host.now())
            if wait == 0.0:
                self._step()
                now = self._host.now()
                self._pace.stepped(now)
                wait = self._pace.wait(now)
        if self._evaluations.busy:
            self._evaluations.advance()
            wait = 0.0
        return wait

    def publish(self) -> None:
        """See Role.publish."""
        if self._show is not None and self._changed:
            self._changed = False
            running = self._state == "running"
            detail = self._show.detail()
            if detail is not None:
                self._host.post(detail)
            self._host.post(self._show.frame(self._pace.factor if running else None))

    def _start(self, message: StartPlaying) -> None:
        now = self._host.now()
        Pace(1.0, message.speed, now)  # a bad speed must not end what is shown
        show = Show(self._host, message)
        if self._show is not None:
            self._show.sim.close()
        self._show = show
        self._pace = Pace(show.sim.dt, message.speed, now)
        self._state = "running" if message.running else "paused"
        self._changed = True
        self._host.post(show.started())

    def _step(self) -> None:
        self._present().step()
        self._changed = True

    def _enter(self, state: RunState) -> None:
        self._present()
        if state != self._state:
            self._state = state
            self._pace.restart(self._host.now())
            self._host.post(StateChanged(state))

    def _present(self) -> Show:
        if self._show is None:
            raise ConfigError("nothing is shown yet; start playing a policy first")
        return self._show
