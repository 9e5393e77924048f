"""Rows of one simulation may differ in body, ground and command, and never touch each other."""

from dataclasses import replace
from typing import Any

import mujoco
import numpy as np
import pytest

from tabrl_py.sim.models import model_path
from tabrl_py.sim.native import STATE, NativeBatchSim
from tabrl_py.tasks import TASKS, TaskSpec, sample_reset
from tabrl_py.tasks.spec import TRAITS, Randomization
from tabrl_py.types import F64

HOUSE = replace(
    TASKS["humanoid-stand"],
    healthy=(),
    randomization=tuple(Randomization(name, 0.0, 1.0) for name in TRAITS),  # type: ignore[arg-type] # all of them
)
PLAIN = tuple(TRAITS.values())
MASS, FRICTION, STRENGTH, SLOPE, LATENCY = range(5)
COMMAND = TASKS["humanoid-command"]


def begin(task: TaskSpec, traits: F64, seed: int = 0) -> NativeBatchSim:
    """Rows that differ only in what is given, (n, P)."""
    sim = NativeBatchSim(task, len(traits), dtype=np.float64)
    first = sample_reset(task, sim.qpos0, sim.nv, np.random.default_rng(seed))
    sim.next_init[:] = first
    sim.next_init[:, sim.nq + sim.nv :] = traits
    sim.reset()
    return sim


def with_trait(trait: int, value: float) -> tuple[float, ...]:
    return tuple(value if i == trait else plain for i, plain in enumerate(PLAIN))


def edited(trait: int, value: float) -> Any:
    """The house model with a trait written into it by hand."""
    model = mujoco.MjModel.from_xml_path(str(model_path("house_position")))
    if trait == MASS:
        for array in (model.body_mass, model.body_inertia, model.body_subtreemass):
            array[:] *= value
    elif trait == FRICTION:
        model.geom_friction[:, 0] *= value
    elif trait == STRENGTH:
        model.actuator_gainprm[:, 0] *= value
        model.actuator_biasprm[:, :3] *= value
    elif trait == SLOPE:
        angle = np.arctan(value)
        model.opt.gravity[:] = 9.81 * np.array([-np.sin(angle), 0.0, -np.cos(angle)])
    return model


@pytest.mark.parametrize(
    ("trait", "value"), [(MASS, 1.3), (FRICTION, 0.4), (STRENGTH, 0.7), (SLOPE, 0.2), (SLOPE, -0.1)]
)
def test_a_trait_is_what_the_model_would_have_been(trait: int, value: float) -> None:
    sim = begin(HOUSE, np.array([PLAIN, with_trait(trait, value)]))
    model = edited(trait, value)
    data = mujoco.MjData(model)
    mujoco.mj_setState(model, data, sim.states()[1, 1 : 1 + mujoco.mj_stateSize(model, STATE)], STATE)
    rng = np.random.default_rng(1)
    for _ in range(15):
        actions = rng.uniform(-1.0, 1.0, (2, sim.nu))
        sim.step(actions)
        data.ctrl[:] = actions[1]
        mujoco.mj_step(model, data, HOUSE.frame_skip)
    np.testing.assert_allclose(sim.states()[1, 2 : 2 + sim.nq], data.qpos, rtol=1e-7, atol=1e-7)
    assert np.abs(sim.states()[1] - sim.states()[0]).max() > 0.01


def test_rows_with_different_traits_are_bit_for_bit_what_they_are_alone() -> None:
    rng = np.random.default_rng(2)
    low, high = [0.7, 0.4, 0.7, -0.2, 0.0], [1.3, 1.3, 1.3, 0.2, 0.025]
    traits = np.vstack([rng.uniform(low, high, (5, 5)), [PLAIN]])
    together = begin(HOUSE, traits)
    actions = rng.uniform(-1.0, 1.0, (50, 6, together.nu))
    for step in range(50):
        together.step(actions[step])
    plain_task = replace(HOUSE, randomization=())
    for row in range(6):
        alone = begin(HOUSE, traits[row : row + 1])
        for step in range(50):
            alone.step(actions[step, row : row + 1])
        np.testing.assert_array_equal(alone.states()[0], together.states()[row])
    plain = begin(plain_task, np.zeros((1, 0)))
    for step in range(50):
        plain.step(actions[step, 5:])
    np.testing.assert_array_equal(plain.obs[0], together.obs[5])


def test_a_row_takes_its_next_traits_when_its_episode_begins() -> None:
    task = replace(HOUSE, time_limit=3)
    sim = begin(task, np.array([PLAIN, PLAIN]))
    light, heavy = (begin(task, np.array([with_trait(MASS, mass)])) for mass in (1.0, 1.5))
    sim.next_init[1, sim.nq + sim.nv + MASS] = 1.5
    still = np.zeros((2, sim.nu))
    for _ in range(3):
        sim.step(still)
        light.step(still[:1])
        np.testing.assert_array_equal(sim.signals, np.repeat(light.signals, 2, axis=0))
    sim.step(still)
    heavy.step(still[:1])
    np.testing.assert_array_equal(sim.obs[1], heavy.obs[0])
    assert (sim.obs[1] != sim.obs[0]).any()


@pytest.mark.parametrize(("latency", "lag"), [(0.0, 0), (0.012, 2), (0.013, 3), (0.025, 5), (9.0, 5)])
def test_actions_come_late_by_whole_physics_steps(latency: float, lag: int) -> None:
    sim = begin(HOUSE, np.array([with_trait(LATENCY, latency)]))
    model = mujoco.MjModel.from_xml_path(str(model_path("house_position")))
    data = mujoco.MjData(model)
    mujoco.mj_setState(model, data, sim.states()[0, 1 : 1 + mujoco.mj_stateSize(model, STATE)], STATE)
    last = np.zeros(sim.nu)
    rng = np.random.default_rng(3)
    for _ in range(10):
        action = rng.uniform(-1.0, 1.0, sim.nu)
        sim.step(action[None])
        for step in range(5):
            data.ctrl[:] = last if step < lag else action
            mujoco.mj_step(model, data)
        last = action
    np.testing.assert_array_equal(sim.states()[0, 2 : 2 + sim.nq], data.qpos)


def test_states_hold_traits_and_last_actions() -> None:
    traits = np.array([PLAIN, (1.2, 0.5, 0.8, 0.1, 0.015)])
    sim, again = begin(HOUSE, traits), begin(HOUSE, np.array([PLAIN, PLAIN]), seed=9)
    rng = np.random.default_rng(4)
    actions = rng.uniform(-1.0, 1.0, (20, 2, sim.nu))
    for step in range(10):
        sim.step(actions[step])
    again.load_states(sim.states())
    for step in range(10, 20):
        sim.step(actions[step])
        again.step(actions[step])
    np.testing.assert_array_equal(again.states(), sim.states())


def test_a_command_is_seen_at_once_and_stays_with_its_row() -> None:
    sim = NativeBatchSim(COMMAND, 3)
    sim.set_commands([2, 0], np.array([[1.0, 0.2, -0.5], [0.5, 0.0, 0.0]]))
    expected = np.array([[0.5, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.2, -0.5]])
    for _ in range(3):
        np.testing.assert_allclose(sim.obs[:, -3:], expected, rtol=1e-7)
        sim.step(np.zeros((3, sim.nu)))
    np.testing.assert_array_equal(sim.signals[:, COMMAND.signal_slices()["command"]], expected)
    sim.next_init[2, sim.nq + sim.nv :][:3] = (0.1, 0.1, 0.1)
    sim.reset([2])
    assert sim.obs[2, -3:] == pytest.approx(0.1)
    with pytest.raises(ValueError, match="Hopper-v5 takes no command"):
        NativeBatchSim(TASKS["Hopper-v5"], 1).set_commands([0], np.zeros((1, 3)))


def test_a_robot_that_turns_sees_the_same_in_its_own_heading() -> None:
    sim = NativeBatchSim(COMMAND, 2, dtype=np.float64)
    turn = 2.0
    first = sample_reset(COMMAND, sim.qpos0, sim.nv, np.random.default_rng(5))
    first[sim.nq : sim.nq + 3] = (0.7, -0.3, 0.2)
    sim.next_init[:] = first
    sim.next_init[1, 3:7] = (np.cos(turn / 2), 0.0, 0.0, np.sin(turn / 2))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    sim.next_init[1, sim.nq : sim.nq + 2] = rotation @ first[sim.nq : sim.nq + 2]
    sim.reset()
    action = np.random.default_rng(6).uniform(-1.0, 1.0, sim.nu)
    for _ in range(5):
        np.testing.assert_allclose(sim.obs[1], sim.obs[0], rtol=1e-7, atol=1e-7)
        sim.step(np.array([action, action]))
    assert np.abs(sim.signals[0] - sim.signals[1]).max() > 0.1
    forward = sim.obs[0, 66]
    assert forward == pytest.approx(0.7, abs=0.4)


def test_a_kick_changes_the_whole_robots_velocity_and_no_other_rows() -> None:
    sim, calm = (begin(HOUSE, np.array([PLAIN, PLAIN])) for _ in range(2))
    sim.kick([1], np.array([[0.4, -0.3]]))
    changed = sim.states() - calm.states()
    at = 2 + sim.nq
    np.testing.assert_allclose(changed[1, at : at + 2], [0.4, -0.3], rtol=1e-12)
    changed[1, at : at + 2] = 0.0
    assert not changed.any()
    with pytest.raises(ValueError, match="cannot be kicked"):
        NativeBatchSim(TASKS["Hopper-v5"], 1).kick([0], np.zeros((1, 2)))


def test_a_robot_that_is_dropped_lies_when_its_episode_begins() -> None:
    task = TASKS["humanoid-getup"]
    sim = NativeBatchSim(task, 8)
    for row in range(8):
        sim.next_init[row] = sample_reset(task, sim.qpos0, sim.nv, np.random.default_rng(row))
    sim.reset()
    states = sim.states()
    head, up = (sim.signals[:, task.signal_slices()[name]][:, 0] for name in ("head_height", "upright"))
    assert head.max() < 0.7
    assert np.abs(up).max() < 0.8
    assert np.median(np.abs(states[:, 2 + sim.nq : 2 + sim.nq + sim.nv]).max(axis=1)) < 4.0
    assert (states[:, 1] == 0.0).all()
    assert np.ptp(states[:, 5:9], axis=0).min() > 0.5, "they all lie alike"
    sim.reset()
    np.testing.assert_array_equal(sim.states(), states)
    assert sim.unstable_count == 0
