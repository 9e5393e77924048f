"""Each Gymnasium task stepped beside Gymnasium; rows of a batch beside simulations of their own."""

from dataclasses import replace
from typing import Any, TypeVar

import gymnasium
import mujoco
import numpy as np
import pytest

from tabrl_py.rewards import compute_reward
from tabrl_py.sim.models import model_path
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import TASKS, TaskSpec, sample_reset
from tabrl_py.tasks.gymnasium_tasks import GYMNASIUM_TASKS
from tabrl_py.tasks.spec import ObsField, SignalField
from tabrl_py.types import F64

AnyField = TypeVar("AnyField", ObsField, SignalField)
STEPS = 1000
TOLERANCE = 1e-9
NEVER_TERMINATE = {"HalfCheetah-v5", "Swimmer-v5", "HumanoidStandup-v5"}


def sample_actions(task: TaskSpec, rng: np.random.Generator, n_envs: int = 1) -> F64:
    return rng.uniform(task.action_low, task.action_high, (n_envs, task.action_size))


def start_both(env: Any, sim: NativeBatchSim, first: F64) -> F64:
    """Put a Gymnasium environment and row 0 of a simulation at one state; Gymnasium's observation."""
    env.reset()
    env.unwrapped.set_state(first[: sim.nq], first[sim.nq :])
    sim.next_init[0] = first
    sim.reset()
    obs: F64 = env.unwrapped._get_obs()
    return obs


@pytest.mark.parametrize("task", GYMNASIUM_TASKS, ids=lambda task: task.id)
def test_task_equals_gymnasium_step_by_step(task: TaskSpec) -> None:
    rng = np.random.default_rng(7)
    env: Any = gymnasium.make(task.id, disable_env_checker=True)
    sim = NativeBatchSim(task, 1, dtype=np.float64)
    obs = start_both(env, sim, sample_reset(task, sim.qpos0, sim.nv, rng))
    np.testing.assert_allclose(sim.obs[0], obs, rtol=TOLERANCE, atol=TOLERANCE)
    terminations = truncations = 0
    for step in range(STEPS):
        actions = sample_actions(task, rng)
        sim.next_init[0] = sample_reset(task, sim.qpos0, sim.nv, rng)
        sim.step(actions)
        obs, reward, terminated, truncated, _ = env.step(actions[0])

        total, terms = compute_reward(sim, actions)
        finished = terminated or truncated
        seen = sim.final_obs if finished else sim.obs
        np.testing.assert_allclose(seen[0], obs, rtol=TOLERANCE, atol=TOLERANCE, err_msg=f"step {step}")
        np.testing.assert_allclose(total[0], reward, rtol=TOLERANCE, atol=TOLERANCE, err_msg=f"step {step}")
        assert np.sum(list(terms.values())) == pytest.approx(total[0], rel=1e-12, abs=1e-12)
        assert sim.terminated[0] == terminated, f"step {step}"
        # Gymnasium reports a time-out beside a termination in the same step; here it is one or the other.
        assert sim.truncated[0] == (truncated and not terminated), f"step {step}"
        terminations += int(terminated)
        truncations += int(truncated)
        if finished:
            env.reset()
            env.unwrapped.set_state(sim.next_init[0, : sim.nq], sim.next_init[0, sim.nq :])
            first_obs = env.unwrapped._get_obs()
            np.testing.assert_allclose(sim.obs[0], first_obs, rtol=TOLERANCE, atol=TOLERANCE)
    env.close()
    if task.id in NEVER_TERMINATE:
        assert (terminations, truncations) == (0, 1)
    else:
        assert terminations >= 1


@pytest.mark.parametrize("task", GYMNASIUM_TASKS, ids=lambda task: task.id)
def test_task_equals_gymnasium_from_wild_states(task: TaskSpec) -> None:
    """Velocities and contacts that random actions do not reach, so that every clip and every bound works."""
    states = 120
    rng = np.random.default_rng(9)
    env: Any = gymnasium.make(task.id, disable_env_checker=True)
    sim = NativeBatchSim(task, 1, dtype=np.float64)
    compared = 0
    for k in range(states):
        first = sample_reset(task, sim.qpos0, sim.nv, rng)
        first[: sim.nq] += rng.uniform(-0.5, 0.5, sim.nq) * (k % 3)
        first[sim.nq :] += rng.standard_normal(sim.nv) * (0.5, 5.0, 30.0, 60.0)[k % 4]
        start_both(env, sim, first)
        actions = sample_actions(task, rng)
        sim.step(actions)
        if sim.unstable[0]:
            continue
        obs, reward, terminated, _, _ = env.step(actions[0])
        total, _ = compute_reward(sim, actions)
        seen = sim.final_obs if terminated else sim.obs
        assert sim.terminated[0] == terminated, f"state {k}"
        np.testing.assert_allclose(seen[0], obs, rtol=TOLERANCE, atol=TOLERANCE, err_msg=f"state {k}")
        np.testing.assert_allclose(total[0], reward, rtol=TOLERANCE, atol=TOLERANCE, err_msg=f"state {k}")
        compared += 1
    env.close()
    assert compared > states / 2


@pytest.mark.parametrize("task", GYMNASIUM_TASKS, ids=lambda task: task.id)
def test_time_limit_equals_gymnasium(task: TaskSpec) -> None:
    """Held in its first state, every task runs out of time at the same step as in Gymnasium."""
    env: Any = gymnasium.make(task.id, disable_env_checker=True)
    sim = NativeBatchSim(task, 1, dtype=np.float64)
    first = np.concatenate([sim.qpos0, np.zeros(sim.nv)])
    start_both(env, sim, first)
    held = sim.states()[:, 1:]
    actions = np.zeros((1, task.action_size))
    for step in range(1, STEPS + 1):
        sim.load_states(np.concatenate([sim.steps[:, None], held], axis=1))
        env.unwrapped.set_state(first[: sim.nq], first[sim.nq :])
        sim.step(actions)
        *_, terminated, truncated, _ = env.step(actions[0])
        assert not terminated
        assert sim.truncated[0] == truncated == (step == STEPS)
    env.close()
    assert sim.steps[0] == 0


@pytest.mark.parametrize("task", GYMNASIUM_TASKS, ids=lambda task: task.id)
def test_spaces_and_first_states_equal_gymnasium(task: TaskSpec) -> None:
    env: Any = gymnasium.make(task.id, disable_env_checker=True)
    assert env.spec.max_episode_steps == task.time_limit
    assert env.observation_space.shape == (task.obs_size,)
    np.testing.assert_array_equal(env.action_space.low, np.array(task.action_low, np.float32))
    np.testing.assert_array_equal(env.action_space.high, np.array(task.action_high, np.float32))
    obs, _ = env.reset(seed=3)
    sim = NativeBatchSim(task, 1, dtype=np.float64)
    assert sim.dt == env.unwrapped.dt
    sim.next_init[0] = sample_reset(task, sim.qpos0, sim.nv, gymnasium.utils.seeding.np_random(3)[0])
    sim.reset()
    np.testing.assert_allclose(sim.obs[0], obs, rtol=TOLERANCE, atol=TOLERANCE)
    env.close()


def _of_the_engine(fields: tuple[AnyField, ...]) -> tuple[AnyField, ...]:
    """Those that are not the command."""
    return tuple(field for field in fields if field.source != "command")


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.id)
def test_rows_equal_simulations_of_their_own_bit_for_bit(task: TaskSpec) -> None:
    n_envs, steps = 5, 200
    rng = np.random.default_rng(5)
    # What comes with an episode beside its state has tests of its own (tests/unit/test_traits.py).
    task = replace(task, randomization=(), command=None, reset=replace(task.reset, settle_steps=0))
    task = replace(task, observation=_of_the_engine(task.observation), signals=_of_the_engine(task.signals))
    sim = NativeBatchSim(task, n_envs, dtype=np.float64)
    model = mujoco.MjModel.from_xml_path(str(model_path(task.model)))
    alone = [mujoco.MjData(model) for _ in range(n_envs)]

    def restart(i: int) -> None:
        mujoco.mj_resetData(model, alone[i])
        alone[i].qpos[:], alone[i].qvel[:] = sim.next_init[i, : sim.nq], sim.next_init[i, sim.nq :]
        mujoco.mj_forward(model, alone[i])

    for i in range(n_envs):
        sim.next_init[i] = sample_reset(task, sim.qpos0, sim.nv, rng)
        restart(i)
    sim.reset()
    for step in range(steps):
        actions = sample_actions(task, rng, n_envs)
        sim.step(actions)
        for i, data in enumerate(alone):
            data.ctrl[:] = actions[i]
            mujoco.mj_step(model, data, task.frame_skip)
            if task.post_constraint:
                mujoco.mj_rnePostConstraint(model, data)
            expected = [getattr(data, f.source).reshape(-1)[f.start : f.stop] for f in task.signals]
            np.testing.assert_array_equal(sim.signals[i], np.concatenate(expected), f"step {step} row {i}")
            if sim.terminated[i] or sim.truncated[i]:
                restart(i)
            state = sim.states()[i]
            np.testing.assert_array_equal(state[2 : 2 + sim.nq], data.qpos, f"step {step} row {i}")
            at = 2 + sim.nq
            np.testing.assert_array_equal(state[at : at + sim.nv], data.qvel, f"step {step} row {i}")
