"""The mirror image of a state and an action moves as the mirror image of the next state."""

from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest

from tabrl_py.rewards import compute_reward
from tabrl_py.sim.models import MODELS_VARIABLE, model_path
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import TASKS, TaskSpec, sample_reset
from tabrl_py.tasks.mirror import QUATERNION, TURNING, VECTOR, Image, exchanged, in_place, of_hinges
from tabrl_py.types import F64, Float

N = 24
MIRRORED = [task for task in TASKS.values() if task.mirror is not None]
DIFFERENT = {(task.model, task.observation): task for task in MIRRORED}.values()
EVERY_MIRRORED_TASK = pytest.mark.parametrize("task", MIRRORED, ids=lambda task: task.id)
COMMAND_SIGN = (1.0, -1.0, -1.0)
"""Forward, sideways, turn."""
EVEN = {
    "humanoid": (("armature", "right_hip_y", "left_hip_y"), ("stiffness", "right_knee", "left_knee")),
    "humanoidstandup": (
        ("armature", "right_hip_y", "left_hip_y"),
        ("stiffness", "right_knee", "left_knee"),
        ("range", "right_hip_y", "left_hip_y"),
    ),
}
"""What Gymnasium's humanoids have on one side only: the test gives the left joint the right one's."""


@pytest.fixture
def even_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model of a mirrored task, with both sides alike."""
    for name in {task.model for task in MIRRORED}:
        spec = mujoco.MjSpec.from_file(str(model_path(name)))
        for attribute, one, other in EVEN.get(name, ()):
            setattr(spec.joint(other), attribute, getattr(spec.joint(one), attribute))
        # Gymnasium's humanoids stop the solver early, at a point that depends on the order of the contacts.
        spec.option.solver = mujoco.mjtSolver.mjSOL_NEWTON
        spec.option.iterations, spec.option.tolerance = 100, 1e-14
        spec.compile()
        (tmp_path / f"{name}.xml").write_text(spec.to_xml())
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))


TIME_COLUMN = 1
"""Of a row of states(): the elapsed control steps come before it."""


def of_velocities(task: TaskSpec) -> Image:
    """The image of qvel: the tasks' own observations hold it whole, or without the free joint."""
    assert task.mirror is not None
    at = 0
    for field in task.observation:
        if field.source == "qvel":
            source = tuple(i - at for i in task.mirror.observation[at : at + field.size])
            image = Image(source, task.mirror.observation_sign[at : at + field.size])
            return VECTOR + TURNING + image if field.start == 6 else image
        at += field.size
    raise AssertionError(f"{task.id} does not observe qvel")


def of_positions(task: TaskSpec, nq: int) -> Image:
    """The image of qpos."""
    velocities = of_velocities(task)
    if nq == len(velocities.source):
        return velocities
    hinges = Image(tuple(i - 6 for i in velocities.source[6:]), velocities.sign[6:])
    return VECTOR + QUATERNION + hinges


def mirrored(rows: Float, image: Image) -> F64:
    reflected: F64 = rows[:, image.source] * np.array(image.sign)
    return reflected


def roam(task: TaskSpec, sim: NativeBatchSim, rng: np.random.Generator) -> None:
    """Bring every row into some state that random actions lead to, most of them touching the floor."""
    for row in range(sim.n_envs):
        sim.next_init[row] = sample_reset(task, sim.qpos0, sim.nv, rng)
    sim.reset()
    for _ in range(12):
        sim.step(rng.uniform(task.action_low, task.action_high, (sim.n_envs, sim.nu)))
        sim.next_init[:] = np.array([sample_reset(task, sim.qpos0, sim.nv, rng) for _ in range(sim.n_envs)])


def shift_by_half_a_period(task: TaskSpec, sim: NativeBatchSim) -> list[int]:
    """Move the time of each row to where its gait's phase is that of the mirror image.

    Returns:
        which numbers of the observation do not tell the phase; those of the present one still tell the old.
    """
    rates = {field.rate for field in task.observation if field.fn in ("sin", "cos")}
    if rates:
        states = sim.states()
        states[:, TIME_COLUMN] += np.pi / rates.pop()
        sim.load_states(states)
    tells = [field.fn in ("sin", "cos") for field in task.observation for _ in range(field.size)]
    return [i for i, phase in enumerate(tells) if not phase]


@pytest.mark.parametrize("task", DIFFERENT, ids=lambda task: task.id)
@pytest.mark.usefixtures("even_models")
def test_mirrored_state_and_action_give_the_mirrored_next_state(task: TaskSpec) -> None:
    rng = np.random.default_rng(4)
    # It begins where it is put, without settling elsewhere first.
    task = replace(task, reset=replace(task.reset, settle_steps=0))
    sim, image = (NativeBatchSim(task, N, dtype=np.float64) for _ in range(2))
    roam(task, sim, rng)
    moving = slice(2, 2 + sim.nq + sim.nv)
    of_state = of_positions(task, sim.nq) + of_velocities(task)
    firsts, at = sim.next_init, sim.nq + sim.nv
    firsts[:, :at] = sim.states()[:, moving]
    image.next_init[:] = firsts
    image.next_init[:, :at] = mirrored(firsts[:, :at], of_state)
    if task.command is not None:
        command = slice(at, at + task.command_size)
        firsts[:, command] = rng.uniform(task.command.low, task.command.high, (N, task.command_size))
        image.next_init[:, command] = firsts[:, command] * COMMAND_SIGN
    sim.reset()
    image.reset()
    timeless = shift_by_half_a_period(task, image)
    assert task.mirror is not None
    of_action = Image(task.mirror.action, task.mirror.action_sign)
    of_observation = Image(task.mirror.observation, task.mirror.observation_sign)
    np.testing.assert_allclose(
        image.obs[:, timeless], mirrored(sim.obs, of_observation)[:, timeless], rtol=1e-7, atol=1e-7
    )
    actions = rng.uniform(task.action_low, task.action_high, (N, sim.nu))
    mirrored_actions = mirrored(actions, of_action)
    sim.step(actions)
    image.step(mirrored_actions)
    running = ~(sim.terminated | sim.truncated)
    np.testing.assert_array_equal(image.terminated, sim.terminated)
    assert running.sum() > N // 2
    expected, got = mirrored(sim.states()[:, moving], of_state), image.states()[:, moving]
    np.testing.assert_allclose(got[running], expected[running], rtol=1e-9, atol=1e-9, err_msg=task.id)
    seen, other = mirrored(sim.obs, of_observation), np.asarray(image.obs)
    np.testing.assert_allclose(other[running], seen[running], rtol=1e-6, atol=1e-6, err_msg=task.id)
    assert np.abs(sim.obs - image.obs)[running].max() > 1e-3, "the states are their own images"
    reward, _ = compute_reward(sim, actions)
    other_reward, _ = compute_reward(image, mirrored_actions)
    np.testing.assert_allclose(other_reward[running], reward[running], rtol=1e-6, atol=1e-6)


@EVERY_MIRRORED_TASK
def test_a_mirrored_image_of_an_image_is_the_thing_itself(task: TaskSpec) -> None:
    found = task.mirror
    assert found is not None
    for source, sign in (
        (found.observation, found.observation_sign),
        (found.action, found.action_sign),
    ):
        image = Image(source, sign)
        x = np.random.default_rng(0).standard_normal((3, len(source)))
        np.testing.assert_array_equal(mirrored(mirrored(x, image), image), x)
    assert (len(found.observation), len(found.action)) == (task.obs_size, task.action_size)


def test_walkers_in_the_plane_have_no_mirror() -> None:
    assert all(TASKS[name].mirror is None for name in ("Walker2d-v5", "Hopper-v5", "HalfCheetah-v5"))


def test_pairs_and_hinges_exchange_sides() -> None:
    assert exchanged(in_place(1.0, -1.0)) == Image((2, 3, 0, 1), (1.0, -1.0, 1.0, -1.0))
    assert of_hinges(("neck", "left_hip", "right_hip"), ("neck",)) == Image((0, 2, 1), (-1.0, 1.0, 1.0))
