"""A try of reward code on states of the robot, before any step of training is spent on it."""

import time
from dataclasses import dataclass, field

import numpy as np

from tabrl_py.rewards.compiled import RewardFunction, compile_source
from tabrl_py.rewards.problems import Problem, RewardError, shown
from tabrl_py.rewards.state import State
from tabrl_py.rng import Purpose, stream
from tabrl_py.sim.batch import BatchSim
from tabrl_py.tasks.reset import sample_reset
from tabrl_py.tasks.signals import with_signals
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F64, Bool

RECORDED = 5_000
"""Control steps, over all environments, that code is tried on."""
TIMED = 4_096
MOST_MS = 400.0
"""For TIMED environments; a usual reward takes 1 ms."""
LARGEST = 1e6
"""Of a reward per control step."""


@dataclass(frozen=True)
class Recording:
    """Control steps of a robot: R of them, one row each.

    Attributes:
        signals, prev_signals: (R, S) of the task with every described signal.
        actions: (R, A).
        terminated: (R,).
        dt: seconds per control step.
    """

    signals: F64
    prev_signals: F64
    actions: F64
    terminated: Bool
    dt: float

    def state(self, task: TaskSpec, rows: slice = slice(None)) -> State:
        """Some of the steps as a State, of copies."""
        return State(
            with_signals(task).signal_slices(),
            self.signals[rows].copy(),
            self.prev_signals[rows].copy(),
            self.actions[rows].copy(),
            self.dt,
            self.terminated[rows].copy(),
        )


@dataclass(frozen=True)
class Trial:
    """What came out of it.

    Attributes:
        problems: what is wrong; empty where the code can be trained with.
        ms_per_4096: time of one call with 4096 environments, at best; 0 where it was not called.
        total: mean, lowest and highest reward over the recorded steps.
        terms: the same of each term.
        function: compiled, where it could be.
    """

    problems: list[Problem]
    ms_per_4096: float = 0.0
    total: tuple[float, float, float] = (0.0, 0.0, 0.0)
    terms: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    function: RewardFunction | None = None


def record(task: TaskSpec, sim: BatchSim, steps: int = RECORDED, seed: int = 0) -> Recording:
    """Let a robot act at random, a new action for every few control steps, from its task's first states.

    Args:
        task: gives first states.
        sim: of with_signals(task).
        steps: over all environments.
        seed: of everything that is drawn.
    """
    n, rng = sim.n_envs, stream(seed, Purpose.BASELINE)
    slices, wanted = sim.task.signal_slices(), with_signals(task).signal_slices()
    if set(wanted) - set(slices):
        raise RewardError(
            [Problem(0, 0, "task", "the simulation lacks signals; make it of with_signals(task)")]
        )
    columns = np.concatenate([np.arange(slices[name].start, slices[name].stop) for name in wanted])
    low, high = np.array(task.action_low), np.array(task.action_high)
    for again in range(2):
        for row in range(n):
            first = stream(seed, Purpose.EVALUATION, again * n + row)
            sim.next_init[row] = sample_reset(task, sim.qpos0, sim.nv, first)
        if again == 0:
            sim.reset()
    kept: list[tuple[F64, F64, F64, Bool]] = []
    action = rng.uniform(low, high, (n, low.size))
    for at in range(-(-steps // n)):
        if at % 8 == 0:
            action = rng.uniform(low, high, (n, low.size))
        sim.step(action)
        kept.append((sim.signals.copy(), sim.prev_signals.copy(), action.copy(), sim.terminated.copy()))
    signals, before, actions, ended = (np.concatenate(parts)[:steps] for parts in zip(*kept, strict=True))
    return Recording(signals[:, columns], before[:, columns], actions, ended, sim.dt)


def made_up(task: TaskSpec, steps: int = RECORDED, seed: int = 0) -> Recording:
    """States that no robot was in, normally distributed: where there is no physics engine."""
    rng = stream(seed, Purpose.BASELINE)
    size = with_signals(task).signal_size
    signals, before = rng.standard_normal((steps, size)), rng.standard_normal((steps, size))
    actions = rng.uniform(np.array(task.action_low), np.array(task.action_high), (steps, task.action_size))
    return Recording(signals, before, actions, np.arange(steps) % 97 == 96, 0.025)


def try_source(
    source: str,
    task: TaskSpec,
    sim: BatchSim | Recording | None = None,
    function: str = "reward",
) -> Trial:
    """Check code, and call it on recorded states.

    Args:
        source: any text.
        task: that it is for.
        sim: of with_signals(task), which then acts at random; or a Recording, which many trials can share;
            None for made up states.
        function: "reward" or "fitness".
    """
    try:
        compiled = compile_source(source, task, function)
    except RewardError as error:
        return Trial(error.problems)
    if sim is None:
        sim = made_up(task)
    recording = sim if isinstance(sim, Recording) else record(task, sim)
    state = recording.state(task)
    before = _bytes(state)
    try:
        first_total, first_terms = compiled(recording.state(task, slice(0, 1)))
        total, terms = compiled(state)
        again, terms_again = compiled(state)
    except RewardError as error:
        return Trial(error.problems)
    problems = _not_finite("at the first step", first_total, first_terms)
    if not problems:
        problems = _not_finite(f"in {len(total)} steps", total, terms)
    if _bytes(state) != before:
        problems.append(Problem(0, 0, "mutation", "the code changed the state that it was given"))
    same = total.tobytes() == again.tobytes() and all(
        terms[k].tobytes() == terms_again[k].tobytes() for k in terms
    )
    if not same or not np.allclose(first_total, total[:1], rtol=1e-9, atol=1e-12, equal_nan=True):
        problems.append(Problem(0, 0, "deterministic", "the same state gave different numbers"))
    if not problems:
        problems.extend(_unlike_its_terms(total, terms, function))
    took = _milliseconds(compiled, recording, task)
    if took > MOST_MS:
        message = f"{took:.0f} ms for {TIMED} environments; the most is {MOST_MS:.0f}: compute less"
        problems.append(Problem(0, 0, "time", message))
    ranges = {name: _range(values) for name, values in terms.items()}
    return Trial(problems, took, _range(total), ranges, compiled)


def _bytes(state: State) -> bytes:
    arrays = (state.rows, state.prev.rows, state.action, state.terminated)
    return b"".join(array.tobytes() for array in arrays)


def _not_finite(when: str, total: F64, terms: dict[str, F64]) -> list[Problem]:
    for name, values in (*terms.items(), ("the total", total)):
        bad = ~np.isfinite(values)
        if bad.any():
            at = int(np.flatnonzero(bad)[0])
            message = (
                f"{shown(name)} is not finite {when}: {values[at]} at step {at}, {int(bad.sum())} in all; "
                "keep logarithms, roots, powers and quotients away from where they have no value"
            )
            return [Problem(0, 0, "finite", message)]
    return []


def _unlike_its_terms(total: F64, terms: dict[str, F64], function: str) -> list[Problem]:
    """A reward is the sum of its terms, and moderate."""
    highest = float(np.abs(total).max())
    if highest > LARGEST:
        message = f"the total reaches {highest:g} per control step; the most is {LARGEST:g}"
        return [Problem(0, 0, "size", message)]
    if function != "reward":
        return []
    summed = np.sum(list(terms.values()), axis=0)
    if np.allclose(summed, total, rtol=1e-6, atol=1e-6):
        return []
    at = int(np.abs(summed - total).argmax())
    message = (
        f"the total is not the sum of the terms: {total[at]:g} and {summed[at]:g}; "
        "put weights into the terms and return sum(terms.values()), terms"
    )
    return [Problem(0, 0, "terms", message)]


def _milliseconds(compiled: RewardFunction, recording: Recording, task: TaskSpec) -> float:
    rows = len(recording.signals)
    chosen = np.arange(TIMED) % rows
    enough = Recording(
        recording.signals[chosen],
        recording.prev_signals[chosen],
        recording.actions[chosen],
        recording.terminated[chosen],
        recording.dt,
    )
    state, best = enough.state(task), float("inf")
    for _ in range(3):
        began = time.perf_counter()
        compiled(state)
        best = min(best, 1000.0 * (time.perf_counter() - began))
    return best


def _range(values: F64) -> tuple[float, float, float]:
    fine = values[np.isfinite(values)]
    if not fine.size:
        return 0.0, 0.0, 0.0
    return float(fine.mean()), float(fine.min()), float(fine.max())
