"""Evaluations: one episode per seed, the same whatever else runs beside it."""

from dataclasses import replace

import numpy as np
import pytest

from tabrl_py.algos.evaluate import Evaluator, RandomActions
from tabrl_py.errors import ConfigError
from tabrl_py.policy import Policy
from tabrl_py.protocol import Evaluation
from tabrl_py.rewards import compute_reward
from tabrl_py.rng import Purpose, stream
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import TaskSpec, get_task, sample_reset
from tabrl_py.tasks.spec import Success

TASK = replace(get_task("Hopper-v5"), time_limit=60)


def _still() -> Policy:
    """A policy that does nothing."""
    sizes = (TASK.obs_size, TASK.action_size)
    count = TASK.obs_size * TASK.action_size + 2 * TASK.action_size
    return Policy(
        task=TASK.id,
        model=TASK.model,
        layout_version=TASK.layout_version,
        sizes=sizes,
        activation="tanh",
        action_low=TASK.action_low,
        action_high=TASK.action_high,
        params=np.zeros(count, np.float32),
    )


def _evaluate(policy: Policy | None, seeds: list[int], rows: int) -> Evaluation:
    evaluator = Evaluator(policy, TASK, NativeBatchSim(TASK, rows), seeds)
    fractions = [evaluator.fraction]
    while (evaluation := evaluator.advance()) is None:
        fractions.append(evaluator.fraction)
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.0
    assert evaluator.fraction == 1.0
    return evaluation


def _by_hand(seed: int) -> tuple[float, int, bool, float]:
    """One episode of standing still: return, length, terminated, distance."""
    sim = NativeBatchSim(TASK, 1)
    sim.next_init[0] = sample_reset(TASK, sim.qpos0, sim.nv, stream(seed, Purpose.EVALUATION))
    sim.reset()
    place = TASK.signal_slices()[TASK.forward_axis].start
    start, total, actions = sim.signals[0, place], 0.0, np.zeros((1, TASK.action_size), np.float32)
    while True:
        sim.step(actions)
        total += float(compute_reward(sim, actions)[0][0])
        if sim.terminated[0] or sim.truncated[0]:
            length = 60 if sim.truncated[0] else -1
            return total, length, bool(sim.terminated[0]), float(sim.signals[0, place] - start)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_an_evaluation_is_its_episodes_one_by_one(rows: int) -> None:
    seeds = [7, 3, 11, 0, 5]
    evaluation = _evaluate(_still(), seeds, rows)
    assert evaluation.seeds == seeds
    for k, seed in enumerate(seeds):
        total, length, terminated, distance = _by_hand(seed)
        assert evaluation.returns[k] == pytest.approx(total, abs=1e-12)
        assert evaluation.terminated[k] == terminated
        assert length in (-1, evaluation.lengths[k])
        assert evaluation.distances[k] == pytest.approx(distance, abs=1e-12)
    assert evaluation.return_mean == pytest.approx(np.mean(evaluation.returns))
    assert evaluation.return_std == pytest.approx(np.std(evaluation.returns))


def test_random_actions_are_those_of_the_seed_and_fill_the_bounds() -> None:
    seeds = [4, 9, 2]
    assert _evaluate(None, seeds, 1) == _evaluate(None, seeds, 3)
    actor = RandomActions(TASK, [4, 9])
    drawn = np.stack([actor.act(np.zeros((2, TASK.obs_size))) for _ in range(500)])
    assert drawn.min() >= -1.0
    assert drawn.max() <= 1.0
    assert np.abs(drawn.mean(axis=(0, 1))).max() < 0.1
    assert drawn.std() == pytest.approx(1 / np.sqrt(3), abs=0.02)
    assert not np.array_equal(drawn[:, 0], drawn[:, 1])


def test_too_few_seeds_are_refused() -> None:
    with pytest.raises(ConfigError, match="2 seeds for 3 environments"):
        Evaluator(None, TASK, NativeBatchSim(TASK, 3), [1, 2])


def _seen_by(task: TaskSpec, rows: int, seeds: list[int]) -> dict[int, list[tuple[float, ...]]]:
    """Every command that each seed's episode was given, while nothing is done."""
    sim = NativeBatchSim(task, rows)
    evaluator = Evaluator(None, task, sim, seeds)
    seen: dict[int, list[tuple[float, ...]]] = {seed: [] for seed in seeds}
    place = task.signal_slices()["command"]
    running = list(seeds[:rows])
    following = list(seeds[rows:])
    while evaluator.advance() is None:
        for row, seed in enumerate(running):
            if sim.terminated[row] or sim.truncated[row]:
                running[row] = following.pop(0) if following else -1
            elif seed >= 0 and (command := tuple(sim.signals[row, place])) not in seen[seed][-1:]:
                seen[seed].append(command)
    return seen


def test_commands_of_an_episode_are_those_of_its_seed() -> None:
    task = get_task("humanoid-command")
    assert task.command is not None
    task = replace(task, time_limit=24, command=replace(task.command, hold_steps=8), healthy=())
    seeds = [5, 6, 7]
    together, one_by_one = _seen_by(task, 3, seeds), _seen_by(task, 1, seeds)
    assert together == one_by_one
    assert all(len(commands) == 3 for commands in together.values())
    assert len({commands[0] for commands in together.values()}) == 3


@pytest.mark.parametrize(("above", "done"), [(1.0, True), (9.0, False)])
def test_success_is_what_held_until_the_end(above: float, done: bool) -> None:
    stand = get_task("humanoid-stand")
    task = replace(stand, time_limit=12, success=Success("head_height", above, 10, "stood"))
    evaluator = Evaluator(None, task, NativeBatchSim(task, 2), [1, 2, 3])
    while (evaluation := evaluator.advance()) is None:
        pass
    assert evaluation.succeeded == [done] * 3
    assert _evaluate(None, [1, 2], 2).succeeded == []
