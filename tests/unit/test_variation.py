"""What is drawn for episodes depends on the run's row and the episode alone."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tabrl_py.algos.curriculum import Level
from tabrl_py.algos.variation import Variation
from tabrl_py.config import PPOConfig, Recipe
from tabrl_py.rng import Purpose, stream
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import TaskSpec, get_task, sample_reset
from tabrl_py.tasks.reset import draw_command
from tabrl_py.tasks.spec import CommandSpec, Curriculum, Randomization
from tabrl_py.types import F64, Float

STAND = get_task("humanoid-stand")
COMMAND = get_task("humanoid-command")
WELL = {"move": 3.0}
"""What following commands earns when it goes well: its curriculum asks."""
ROUGH = get_task("humanoid-walk-rough")


ROWS = range(4)


def recipe(task: TaskSpec, **changes: Any) -> Recipe:
    return Recipe(task.id, seed=5, n_envs=4, algo=PPOConfig(minibatch_size=64), **changes)


def begun(task: TaskSpec, rows: range = ROWS, **changes: Any) -> tuple[NativeBatchSim, Variation]:
    sim = NativeBatchSim(task, len(rows))
    variation = Variation(task, recipe(task, **changes), sim, rows.start)
    variation.start()
    variation.begin_rollout(0)
    return sim, variation


def run(sim: NativeBatchSim, variation: Variation, rows: range, steps: range, update: int = 0) -> list[Float]:
    """Step with actions that depend on the run's row and step; what was observed before each."""
    variation.begin_rollout(update)
    seen = []
    for t in steps:
        variation.before_step(t)
        seen.append(sim.obs.copy())
        rng = np.random.default_rng((update, t))
        sim.step(rng.uniform(-0.5, 0.5, (4, sim.nu))[rows.start : rows.stop])
        variation.after_step()
    return seen


def test_a_plain_task_draws_its_resets_alone() -> None:
    sim, variation = begun(STAND)
    for row in range(4):
        second = sample_reset(STAND, sim.qpos0, sim.nv, stream(5, Purpose.RESET, row, 1))
        np.testing.assert_array_equal(sim.next_init[row], second)
    assert variation.level is None
    assert variation.run_state() == {}
    before = sim.states()
    variation.before_step(0)
    np.testing.assert_array_equal(sim.states(), before)


@pytest.mark.parametrize(
    ("task", "changes"),
    [
        (STAND, {}),
        (STAND, {"randomize": True, "revisit": 0.5}),
        (COMMAND, {"randomize": True}),
        (ROUGH, {"revisit": 1.0}),
    ],
    ids=["plain", "randomized", "command", "rough"],
)
def test_rows_of_a_part_are_those_of_the_whole(task: TaskSpec, changes: dict[str, Any]) -> None:
    # Short intervals, so that commands and pushes come within the test.
    command = None if task.command is None else replace(task.command, hold_steps=7)
    often = tuple(replace(r, every_steps=5 * bool(r.every_steps)) for r in task.randomization)
    task = replace(task, command=command, randomization=often, time_limit=23)
    (whole, all_of_it), (part, some) = begun(task, **changes), begun(task, range(2, 4), **changes)
    for update in range(3):
        for one, other in zip(
            run(whole, all_of_it, range(4), range(40), update),
            run(part, some, range(2, 4), range(40), update),
            strict=True,
        ):
            np.testing.assert_array_equal(other, one[2:])
        for variation in (all_of_it, some):
            variation.after_update(10, 1, WELL)
        assert all_of_it.level == some.level
    np.testing.assert_array_equal(part.states(), whole.states()[2:])
    np.testing.assert_array_equal(part.next_init, whole.next_init[2:])


@pytest.mark.parametrize("task", [STAND, COMMAND, ROUGH], ids=lambda task: task.id)
def test_a_loaded_state_goes_on_with_the_same_episodes(task: TaskSpec) -> None:
    changes: dict[str, Any] = {"randomize": True, "revisit": 0.5}
    rows = range(4)
    (first, one), (second, other) = begun(task, **changes), begun(task, **changes)
    for update in range(2):
        run(first, one, rows, range(60), update)
        one.after_update(70, 7, WELL)
    second.load_states(first.states())
    second.obs[...], second.next_init[...] = first.obs, first.next_init
    other.load_state(one.row_state(), one.run_state())
    for update in range(2, 4):
        for seen, again in zip(
            run(first, one, rows, range(60), update),
            run(second, other, rows, range(60), update),
            strict=True,
        ):
            np.testing.assert_array_equal(again, seen)
        for variation in (one, other):
            variation.after_update(70, 7, WELL)
    np.testing.assert_array_equal(first.next_init, second.next_init)
    assert one.level == other.level


def test_commands_change_when_they_have_held_and_are_not_the_same_for_all() -> None:
    task = replace(COMMAND, command=replace(command_of(COMMAND), hold_steps=6), healthy=(), curriculum=None)
    sim, variation = begun(task)
    rows = range(4)
    seen = np.array(run(sim, variation, rows, range(20)))[:, :, -3:]
    changes = np.flatnonzero(np.any(seen[1:] != seen[:-1], axis=(1, 2))) + 1
    assert changes.tolist() == [6, 12, 18]
    spec = command_of(COMMAND)
    assert (seen >= np.array(spec.low, np.float32)).all()
    assert (seen <= np.array(spec.high, np.float32)).all()
    assert len(np.unique(seen[0], axis=0)) == 4


def test_commands_begin_with_the_easiest_and_end_where_the_task_allows() -> None:
    spec = replace(command_of(COMMAND), easiest=(1.0, 0.0, 0.5))

    def drawn(level: float) -> F64:
        return np.array([draw_command(spec, np.random.default_rng(seed), level) for seed in range(200)])

    easiest, whole = np.array(spec.easiest), drawn(1.0)
    np.testing.assert_array_equal(drawn(0.0), np.tile(easiest, (200, 1)))
    np.testing.assert_allclose(drawn(0.25), 0.75 * easiest + 0.25 * whole, atol=1e-12)
    alone = (whole != 0.0).sum(axis=1)
    assert {0, 1, 3} == set(alone.tolist())
    plain = replace(spec, easiest=())
    np.testing.assert_array_equal(whole, [draw_command(plain, np.random.default_rng(i)) for i in range(200)])
    assert not draw_command(plain, np.random.default_rng(0), 0.0).any()


def command_of(task: TaskSpec) -> CommandSpec:
    assert task.command is not None
    return task.command


def test_pushes_come_at_their_steps_and_to_one_row_at_a_time() -> None:
    task = replace(
        STAND, healthy=(), randomization=(Randomization("push", 0.3, 0.3, every_steps=8, always=True),)
    )
    sim, variation = begun(task)
    kicked: list[tuple[int, int]] = []
    for t in range(24):
        before = sim.states()
        variation.before_step(t)
        moved = sim.states() - before
        for row in np.flatnonzero(np.any(moved != 0.0, axis=1)).tolist():
            kicked.append((t, row))
            assert np.hypot(*moved[row, 2 + sim.nq : 4 + sim.nq]) == pytest.approx(0.3)
        sim.step(np.zeros((4, sim.nu)))
    for row in range(4):
        times = [t for t, who in kicked if who == row]
        assert len(times) in (2, 3)
        assert set(np.diff(times)) == {8}
    assert len({t % 8 for t, _ in kicked}) == 4


def test_noise_is_on_what_is_seen_and_not_on_what_is() -> None:
    only_noise = replace(STAND, randomization=(Randomization("noise", 1.0, 1.0),))
    (noisy, one), (calm, other) = begun(only_noise, randomize=True), begun(only_noise)
    rows = range(4)
    seen, true = (np.array(run(*each, rows, range(100))) for each in ((noisy, one), (calm, other)))
    np.testing.assert_array_equal(noisy.states(), calm.states())
    spread = np.repeat([f.noise for f in STAND.observation], [f.size for f in STAND.observation])
    np.testing.assert_allclose((seen - true).std(axis=(0, 1)), spread, rtol=0.25)
    np.testing.assert_allclose((seen - true).mean(axis=(0, 1)), 0.0, atol=0.25 * spread.max())


def test_nothing_is_randomized_unless_the_recipe_says_so() -> None:
    sim, variation = begun(STAND)
    plain = sim.next_init[:, sim.nq + sim.nv :]
    np.testing.assert_array_equal(plain, np.tile([1.0, 1.0, 1.0, 0.0], (4, 1)))
    sim, variation = begun(STAND, randomize=True)
    assert (np.ptp(sim.next_init[:, sim.nq + sim.nv :], axis=0) > 0.0).all()
    assert variation.level is None


def test_a_curriculum_widens_what_it_scales_as_it_succeeds() -> None:
    sim, variation = begun(ROUGH)
    slope = sim.nq + sim.nv + ROUGH.traits.index("slope")
    assert variation.level == 0.0
    assert (sim.next_init[:, slope] == 0.0).all()
    for _ in range(5):
        variation.after_update(64, 3, {})
    assert variation.level == pytest.approx(0.5)
    sim.terminated[:] = True
    slopes = []
    for _ in range(50):
        variation.after_step()
        slopes.extend(sim.next_init[:, slope].tolist())
    assert 0.06 < max(slopes) <= 0.075
    assert -0.075 <= min(slopes) < -0.06
    variation.after_update(64, 40, {})
    assert variation.level == pytest.approx(0.4)


def test_a_level_waits_for_enough_episodes_and_stays_within_its_bounds() -> None:
    level = Level(Curriculum(("slope",), first=0.95, raise_at=0.8, lower_at=0.5, step=0.1, episodes=10))
    level.after_update(9, 0, {})
    assert level.level == 0.95
    level.after_update(1, 0, {})
    assert level.level == 1.0
    level.after_update(10, 3, {})
    assert level.level == 1.0
    for _ in range(20):
        level.after_update(10, 5, {})
    assert level.level == 0.0
    by_term = Level(Curriculum(("command",), raise_at=0.7, term="move", full=2.0, episodes=4))
    by_term.after_update(2, 2, {"move": 1.2})
    by_term.after_update(2, 2, {"move": 1.8})
    assert by_term.level == pytest.approx(0.1)


def test_some_episodes_begin_where_the_row_has_been_and_went_on() -> None:
    sim, variation = begun(STAND, revisit=1.0)
    rows = range(4)
    visited: list[F64] = []
    for update in range(3):
        run(sim, variation, rows, range(10), update)
        visited.append(sim.states()[:, 2 : 2 + sim.nq + sim.nv])
        variation.after_update(0, 0, {})
    sim.terminated[:] = True
    variation.after_step()
    for row in range(4):
        drawn = sim.next_init[row, : sim.nq + sim.nv]
        # The last state is not yet known to go on.
        assert any(np.array_equal(drawn[2:], state[row, 2:]) for state in visited[:2])
        np.testing.assert_array_equal(drawn[:2], STAND.reset.qpos[:2] if STAND.reset.qpos else [])
    other_sim, other = begun(STAND)
    other_sim.terminated[:] = True
    other.after_step()
    assert (other_sim.next_init[:, 2] == sim.qpos0[2]).all()


def test_rows_that_never_fall_do_not_stay_in_step() -> None:
    task = replace(get_task("humanoid-getup"), time_limit=40)
    task = replace(task, reset=replace(task.reset, settle_steps=1))
    sim, variation = begun(task)
    assert len(set(sim.steps.tolist())) == 4
    ends = []
    for t in range(60):
        variation.before_step(t)
        sim.step(np.zeros((4, sim.nu)))
        ends += [(row, t) for row in np.flatnonzero(sim.truncated).tolist()]
        variation.after_step()
    assert len(ends) > 4
    assert len({t % 40 for _, t in ends}) == 4
