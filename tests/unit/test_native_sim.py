"""NativeBatchSim keeps the promises of BatchSim; that its physics is MuJoCo's is in tests/parity."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest

from tabrl_py.errors import ModelError
from tabrl_py.sim.batch import BatchSim
from tabrl_py.sim.models import model_path
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import TASKS, TaskSpec, sample_reset
from tabrl_py.tasks.spec import ObsField, ResetSpec, SignalField
from tabrl_py.types import F64

HOUSE = TASKS["humanoid-stand"]
HOPPER = TASKS["Hopper-v5"]
QPOS_COLUMN = 2
"""In a row of states(): elapsed steps, time, then qpos."""


def started(task: TaskSpec, n_envs: int, seed: int = 0) -> tuple[NativeBatchSim, np.random.Generator]:
    sim = NativeBatchSim(task, n_envs, dtype=np.float64)
    rng = np.random.default_rng(seed)
    refill(sim, rng)
    sim.reset()
    return sim, rng


def refill(sim: NativeBatchSim, rng: np.random.Generator) -> None:
    for i in range(sim.n_envs):
        sim.next_init[i] = sample_reset(sim.task, sim.qpos0, sim.nv, rng)


def random_actions(sim: NativeBatchSim, rng: np.random.Generator) -> F64:
    return rng.uniform(sim.task.action_low, sim.task.action_high, (sim.n_envs, sim.nu))


def plain(sim: NativeBatchSim, row: int) -> tuple[Any, Any]:
    """A simulation of its own in the state of one row."""
    model = mujoco.MjModel.from_xml_path(str(model_path(sim.task.model)))
    data = mujoco.MjData(model)
    state = sim.states()[row, QPOS_COLUMN:]
    data.qpos[:] = state[: sim.nq]
    data.qvel[:] = state[sim.nq : sim.nq + sim.nv]
    data.qacc_warmstart[:] = state[sim.nq + sim.nv : sim.nq + 2 * sim.nv]
    return model, data


def test_it_is_a_batch_sim_with_the_arrays_of_its_shapes() -> None:
    sim: BatchSim = NativeBatchSim(HOUSE, 3)
    assert (sim.nq, sim.nv, sim.nbody, sim.nu) == (28, 27, 17, 21)
    assert sim.dt == pytest.approx(0.025)
    assert sim.obs.shape == sim.final_obs.shape == (3, 72)
    assert sim.obs.dtype == sim.final_obs.dtype == np.float32
    assert sim.signals.shape == sim.prev_signals.shape == (3, HOUSE.signal_size)
    assert sim.signals.dtype == np.float64
    np.testing.assert_array_equal(sim.qpos0, HOUSE.reset.qpos)
    assert sim.obs[:, 0] == pytest.approx(sim.qpos0[2])
    assert NativeBatchSim(HOPPER, 1, dtype=np.float64).obs.dtype == np.float64


def test_arrays_are_overwritten_in_place() -> None:
    sim, rng = started(HOPPER, 2)
    held = sim.obs, sim.final_obs, sim.signals, sim.prev_signals, sim.terminated, sim.truncated, sim.steps
    for _ in range(200):
        refill(sim, rng)
        sim.step(random_actions(sim, rng))
    now = sim.obs, sim.final_obs, sim.signals, sim.prev_signals, sim.terminated, sim.truncated, sim.steps
    assert all(a is b for a, b in zip(held, now, strict=True))


def test_observation_is_scaled_transformed_and_clipped() -> None:
    task = replace(
        HOPPER,
        observation=(
            ObsField("height", "qpos", 1, 2, scale=2.0),
            ObsField("sine", "qpos", 2, 4, fn="sin", scale=3.0, rate=2.5),
            ObsField("cosine", "qpos", 2, 3, fn="cos", clip=0.5),
            ObsField("speed", "qvel", 0, 2, scale=10.0, clip=4.0),
        ),
    )
    sim = NativeBatchSim(task, 2, dtype=np.float64)
    qpos = np.array([9.0, 1.2, 0.1, -0.3, 0.0, 0.0])
    qvel = np.array([0.3, -0.7, 0.0, 0.0, 0.0, 0.0])
    sim.next_init[1] = np.concatenate([qpos, qvel])
    sim.reset([1])
    expected = [2.4, 3 * np.sin(0.25), 3 * np.sin(-0.75), 0.5, 3.0, -4.0]
    np.testing.assert_allclose(sim.obs[1], expected, rtol=1e-15)
    assert sim.obs[0, 0] == 2 * sim.qpos0[1]


def test_reset_of_some_rows_leaves_the_others_alone() -> None:
    sim, rng = started(HOUSE, 3)
    for _ in range(3):
        sim.step(random_actions(sim, rng))
    before, obs = sim.states(), sim.obs.copy()
    refill(sim, rng)
    sim.reset([1])
    after = sim.states()
    np.testing.assert_array_equal(after[[0, 2]], before[[0, 2]])
    np.testing.assert_array_equal(sim.obs[[0, 2]], obs[[0, 2]])
    np.testing.assert_array_equal(after[1, QPOS_COLUMN : QPOS_COLUMN + sim.nq], sim.next_init[1, : sim.nq])
    np.testing.assert_array_equal(sim.steps, [3, 0, 3])


def test_finished_row_keeps_its_last_observation_and_starts_from_next_init() -> None:
    sim, rng = started(HOPPER, 4)
    finished: list[int] = []
    while not finished:
        refill(sim, rng)
        before = sim.signals.copy()
        sim.step(random_actions(sim, rng))
        finished = np.flatnonzero(sim.terminated).tolist()
    row = finished[0]
    np.testing.assert_array_equal(sim.prev_signals[row], before[row])
    # The true last observation is the fallen hopper's; its signals too.
    height, angle = sim.final_obs[row, :2]
    assert height > 0.3
    assert height <= 0.7 or abs(angle) >= 0.2
    fresh = NativeBatchSim(HOPPER, 1, dtype=np.float64)
    fresh.next_init[0] = sim.next_init[row]
    fresh.reset()
    np.testing.assert_array_equal(sim.obs[row], fresh.obs[0])
    assert sim.steps[row] == 0
    assert sim.signals[row, 0] != fresh.signals[0, 0]

    actions = random_actions(sim, rng)
    sim.step(actions)
    np.testing.assert_array_equal(sim.prev_signals[row], fresh.signals[0])
    fresh.step(actions[[row]])
    np.testing.assert_array_equal(sim.obs[row], fresh.obs[0])


def test_time_limit_truncates_and_starts_anew() -> None:
    task = replace(TASKS["HalfCheetah-v5"], time_limit=5)
    sim, rng = started(task, 2)
    for step in range(1, 11):
        sim.step(random_actions(sim, rng))
        assert sim.truncated.all() == (step % 5 == 0)
        assert not sim.terminated.any()
        assert (sim.steps == step % 5).all()


def test_a_row_does_not_depend_on_how_many_there_are() -> None:
    many, rng = started(HOUSE, 9)
    one = NativeBatchSim(HOUSE, 1, dtype=np.float64)
    one.next_init[0] = many.next_init[6]
    one.reset()
    for _ in range(60):
        refill(many, rng)
        one.next_init[0] = many.next_init[6]
        actions = random_actions(many, rng)
        many.step(actions)
        one.step(actions[[6]])
        np.testing.assert_array_equal(many.obs[6], one.obs[0])
        np.testing.assert_array_equal(many.signals[6], one.signals[0])
    np.testing.assert_array_equal(many.states()[6], one.states()[0])


def test_saved_states_go_on_bit_for_bit() -> None:
    sim, rng = started(HOUSE, 3)
    for _ in range(7):
        sim.step(random_actions(sim, rng))
    saved = sim.states()
    again = NativeBatchSim(HOUSE, 3, dtype=np.float64)
    again.next_init[...] = sim.next_init
    again.load_states(saved)
    np.testing.assert_array_equal(again.states(), saved)
    np.testing.assert_array_equal(again.steps, [7, 7, 7])
    for _ in range(80):
        actions = random_actions(sim, rng)
        sim.step(actions)
        again.step(actions)
        for name in ("obs", "signals", "prev_signals", "terminated", "truncated", "steps"):
            np.testing.assert_array_equal(getattr(again, name), getattr(sim, name), name)
    saved[:] = 0.0
    assert (again.states() != 0).any(), "states() must be a copy"


def test_states_of_another_size_are_refused() -> None:
    sim = NativeBatchSim(HOPPER, 2)
    with pytest.raises(ValueError, match=r"states have the shape \(3, 21\); Hopper-v5 with 2 rows needs"):
        sim.load_states(np.zeros((3, 21)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e11], ids=["nan", "inf", "huge"])
def test_unstable_row_is_reset_and_counted_and_its_numbers_stay_good(
    bad: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    sim, rng = started(HOUSE, 3)
    sim.step(random_actions(sim, rng))
    last_obs, last_signals = sim.obs.copy(), sim.signals.copy()
    states = sim.states()
    states[1, QPOS_COLUMN + sim.nq + 5] = bad
    sim.load_states(states)
    actions = random_actions(sim, rng)
    model, data = plain(sim, 2)

    sim.step(actions)

    np.testing.assert_array_equal(sim.unstable, [False, True, False])
    np.testing.assert_array_equal(sim.terminated, [False, True, False])
    assert sim.unstable_count == 1
    np.testing.assert_array_equal(sim.final_obs[1], last_obs[1])
    np.testing.assert_array_equal(sim.signals[1], last_signals[1])
    assert np.isfinite(sim.obs).all()
    assert np.isfinite(sim.states()).all()
    assert sim.steps[1] == 0
    data.ctrl[:] = actions[2]
    mujoco.mj_step(model, data, HOUSE.frame_skip)
    np.testing.assert_array_equal(sim.states()[2, QPOS_COLUMN : QPOS_COLUMN + sim.nq], data.qpos)
    sim.step(actions)
    assert not sim.unstable.any()
    assert sim.unstable_count == 1
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_action_that_is_not_a_number_costs_only_its_own_row() -> None:
    sim, rng = started(HOUSE, 2)
    actions = random_actions(sim, rng)
    actions[0, 3] = np.nan
    sim.step(actions)
    np.testing.assert_array_equal(sim.unstable, [True, False])


def test_engine_warnings_of_others_are_heard_again_after_a_step() -> None:
    heard: list[str] = []
    mujoco.set_mju_user_warning(heard.append)
    try:
        sim, rng = started(HOUSE, 1)
        actions = random_actions(sim, rng)
        actions[0, 0] = np.nan
        sim.step(actions)
        assert heard == []
        model, data = plain(sim, 0)
        data.ctrl[0] = np.nan
        mujoco.mj_step(model, data)
        assert len(heard) == 1
    finally:
        mujoco.set_mju_user_warning(None)


def test_push_is_a_force_at_a_point_for_some_steps_on_one_row() -> None:
    sim, rng = started(HOUSE, 3)
    quiet = NativeBatchSim(HOUSE, 3, dtype=np.float64)
    quiet.load_states(sim.states())
    model, data = plain(sim, 1)
    mujoco.mj_kinematics(model, data)
    body, force = 1, np.array([30.0, -10.0, 5.0])
    point = data.xipos[body] + [0.1, 0.2, -0.05]
    sim.push(1, body, tuple(force), tuple(point), steps=2)
    wrench = np.concatenate([force, np.cross([0.1, 0.2, -0.05], force)])
    for step in range(4):
        actions = random_actions(sim, rng)
        sim.step(actions)
        quiet.step(actions)
        data.xfrc_applied[body] = wrench if step < 2 else 0.0
        data.ctrl[:] = actions[1]
        mujoco.mj_step(model, data, HOUSE.frame_skip)
        qpos = sim.states()[:, QPOS_COLUMN : QPOS_COLUMN + sim.nq]
        np.testing.assert_allclose(qpos[1], data.qpos, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(sim.obs[[0, 2]], quiet.obs[[0, 2]])
        assert np.abs(qpos[1] - quiet.states()[1, QPOS_COLUMN : QPOS_COLUMN + sim.nq]).max() > 1e-4


def test_push_ends_with_the_episode() -> None:
    sim, rng = started(HOUSE, 1)
    sim.push(0, 1, (500.0, 0.0, 0.0), (0.0, 0.0, 1.3), steps=1000)
    sim.reset()
    calm = NativeBatchSim(HOUSE, 1, dtype=np.float64)
    calm.load_states(sim.states())
    actions = random_actions(sim, rng)
    sim.step(actions)
    calm.step(actions)
    np.testing.assert_array_equal(sim.obs, calm.obs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"row": 2}, r"row=2 does not exist; the rows are 0 to 1"),
        ({"row": -1}, r"row=-1 does not exist"),
        ({"body": 0}, r"body=0 cannot be pushed; the model's bodies are 1 to 16"),
        ({"body": 17}, r"body=17 cannot be pushed"),
        ({"force_n": (np.nan, 0.0, 0.0)}, r"must be finite"),
        ({"steps": 0}, r"steps=0 must be at least 1"),
    ],
)
def test_impossible_push_is_refused(change: dict[str, Any], message: str) -> None:
    sim = NativeBatchSim(HOUSE, 2)
    push: dict[str, Any] = {"row": 0, "body": 1, "force_n": (1.0, 0.0, 0.0), "point_m": (0.0, 0.0, 1.0)}
    with pytest.raises(ValueError, match=message):
        sim.push(**{**push, "steps": 5, **change})


def test_watched_rows_show_poses_and_torques() -> None:
    sim, rng = started(HOUSE, 4)
    sim.watch([2, 0])
    assert sim.watched == (2, 0)
    assert sim.poses.shape == (2, 17, 7)
    assert sim.torques.shape == (2, 21)
    model, data = plain(sim, 2)
    mujoco.mj_forward(model, data)
    np.testing.assert_allclose(sim.poses[0, :, :3], data.xpos, atol=1e-6)
    np.testing.assert_allclose(sim.poses[0, :, 3:], data.xquat, atol=1e-6)
    before = sim.poses.copy()
    unwatched = NativeBatchSim(HOUSE, 4, dtype=np.float64)
    unwatched.load_states(sim.states())
    actions = random_actions(sim, rng)
    sim.step(actions)
    unwatched.step(actions)
    np.testing.assert_array_equal(sim.obs, unwatched.obs)
    assert (sim.poses != before).any(axis=(1, 2)).all()
    model, data = plain(unwatched, 2)
    data.qpos[:], data.qvel[:] = sim.next_init[2, : sim.nq], sim.next_init[2, sim.nq : sim.nq + sim.nv]
    mujoco.mj_forward(model, data)
    data.ctrl[:] = actions[2]
    mujoco.mj_step(model, data, HOUSE.frame_skip)
    np.testing.assert_allclose(sim.poses[0, :, :3], data.xpos, atol=1e-6)
    np.testing.assert_allclose(sim.torques[0], data.actuator_force, rtol=1e-5, atol=1e-4)


def test_actions_of_the_wrong_shape_are_refused() -> None:
    sim = NativeBatchSim(HOPPER, 2)
    with pytest.raises(ValueError, match=r"actions have the shape \(2, 4\); expected \(2, 3\)"):
        sim.step(np.zeros((2, 4)))


def test_first_state_that_is_not_finite_is_refused() -> None:
    sim = NativeBatchSim(HOPPER, 2)
    sim.next_init[1, 3] = np.nan
    with pytest.raises(ValueError, match=r"next_init\[1\] is not finite"):
        sim.reset()


def test_closed_simulation_says_so() -> None:
    sim = NativeBatchSim(HOPPER, 1)
    sim.close()
    sim.close()
    with pytest.raises(RuntimeError, match="closed"):
        sim.step(np.zeros((1, 3)))


def test_missing_model_tells_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABRL_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match=r"model 'hopper' is not in .*`\./build\.sh dist`"):
        NativeBatchSim(HOPPER, 1)
    (tmp_path / "hopper.xml").write_text("<mujoco>")
    with pytest.raises(ModelError, match=r"hopper\.xml cannot be read: "):
        NativeBatchSim(HOPPER, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"action_low": (0.0,), "action_high": (1.0,)}, r"has 3 actuators; task Hopper-v5 drives 1"),
        ({"reset": ResetSpec(qpos=(0.0,))}, r"has nq=6; task Hopper-v5 starts from 1"),
        (
            {"signals": (SignalField("x", "qpos", 5, 7),)},
            r"reads qpos\[5:7\], but model hopper has 6 numbers",
        ),
        ({"observation": (ObsField("x", "sensordata", 0, 1),)}, r"reads sensordata\[0:1\]"),
    ],
)
def test_task_that_does_not_fit_its_model_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        NativeBatchSim(replace(HOPPER, **change), 1)


def test_no_environments_are_refused() -> None:
    with pytest.raises(ValueError, match="n_envs=0 must be at least 1"):
        NativeBatchSim(HOPPER, 0)
