"""Every task in WebAssembly beside the native simulation, and Gymnasium's beside Gymnasium, for 1 000 steps.

Contacts make trajectories diverge from the last digit on, so before each step the WebAssembly rows take the
state of what they are compared with: each step starts from the same state with the same actions.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from tabrl_py.rewards import compute_reward
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import TASKS, TaskSpec, sample_reset
from tabrl_py.tasks.gymnasium_tasks import GYMNASIUM_TASKS
from tabrl_py.types import F64
from tests.parity.node_sim import Node, NodeBatchSim

STEPS = 1000
ROWS = 2
TOLERANCE = 1e-6
SETTLE = 20
"""Physics steps that robots fall before their episode. The task's 240 are a trajectory of their own, whose
contacts amplify the last digit of the processor's own mathematics to a tenth."""


def _first_states(task: TaskSpec, sim: NativeBatchSim, rng: np.random.Generator) -> list[F64]:
    """What each row takes next; a robot that falls before its episode begins does so for SETTLE steps."""
    firsts = [sample_reset(task, sim.qpos0, sim.nv, rng, randomize=True) for _ in range(ROWS)]
    if task.reset.settle_steps:
        for first in firsts:
            first[-1 - task.action_size] = SETTLE
    return firsts


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.id)
def test_task_equals_native(node: Node, task: TaskSpec) -> None:
    rng = np.random.default_rng(21)
    wasm, native = NodeBatchSim(node, task, ROWS), NativeBatchSim(task, ROWS)
    assert (wasm.nq, wasm.nv, wasm.nu, wasm.nbody) == (native.nq, native.nv, native.nu, native.nbody)
    assert wasm.dt == native.dt
    assert np.array_equal(wasm.qpos0, native.qpos0)
    firsts = _first_states(task, native, rng)
    for sim in (wasm, native):
        sim.next_init[...] = firsts
        sim.reset()
    np.testing.assert_allclose(wasm.obs, native.obs, rtol=TOLERANCE, atol=TOLERANCE)
    episodes = 0
    for step in range(STEPS):
        wasm.load_states(native.states())
        actions = rng.uniform(task.action_low, task.action_high, (ROWS, task.action_size)).astype(np.float32)
        firsts = _first_states(task, native, rng)
        for sim in (wasm, native):
            sim.next_init[...] = firsts
            if step % 50 == 25 and sim.nq == sim.nv + 1:
                sim.kick([0], np.array([[0.5, -0.25]]))
            if step % 50 == 40 and task.command is not None:
                sim.set_commands([1], np.array([task.command.high]))
                assert sim.obs[1, -task.command.size :].tolist() == pytest.approx(task.command.high)
            sim.step(actions)
        assert np.array_equal(wasm.terminated, native.terminated), f"step {step}"
        assert np.array_equal(wasm.truncated, native.truncated), f"step {step}"
        assert np.array_equal(wasm.steps, native.steps), f"step {step}"
        assert not wasm.unstable.any()
        finished = native.terminated | native.truncated
        episodes += int(finished.sum())
        pairs = {
            "obs": (wasm.obs, native.obs),
            "final_obs": (wasm.final_obs[finished], native.final_obs[finished]),
            "signals": (wasm.signals, native.signals),
            "prev_signals": (wasm.prev_signals, native.prev_signals),
            "reward": (compute_reward(wasm, actions)[0], compute_reward(native, actions)[0]),
        }
        for what, (found, expected) in pairs.items():
            message = f"{what}, step {step}"
            np.testing.assert_allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE, err_msg=message)
    assert episodes >= 1


@pytest.mark.parametrize("task", GYMNASIUM_TASKS, ids=lambda task: task.id)
def test_task_equals_gymnasium(node: Node, task: TaskSpec) -> None:
    rng = np.random.default_rng(22)
    env: Any = gymnasium.make(task.id, disable_env_checker=True)
    env.reset()
    sim = NodeBatchSim(node, task, 1)
    data = env.unwrapped.data
    state = slice(1, 1 + sim.nstate)
    first = sample_reset(task, sim.qpos0, sim.nv, rng)
    sim.next_init[0] = first
    sim.reset()
    finished = True
    for step in range(STEPS):
        if finished:
            env.reset()
            env.unwrapped.set_state(first[: sim.nq], first[sim.nq :])
            obs = env.unwrapped._get_obs()
            np.testing.assert_allclose(sim.obs[0], obs, rtol=TOLERANCE, atol=TOLERANCE)
        states = sim.states()
        states[0, state] = np.concatenate([[data.time], data.qpos, data.qvel, data.act, data.qacc_warmstart])
        sim.load_states(states)
        actions = rng.uniform(task.action_low, task.action_high, (1, task.action_size)).astype(np.float32)
        first = sample_reset(task, sim.qpos0, sim.nv, rng)
        sim.next_init[0] = first
        sim.step(actions)
        obs, reward, terminated, truncated, _ = env.step(actions[0])
        finished = terminated or truncated
        seen = sim.final_obs if finished else sim.obs
        np.testing.assert_allclose(seen[0], obs, rtol=TOLERANCE, atol=TOLERANCE, err_msg=f"step {step}")
        total, _ = compute_reward(sim, actions)
        np.testing.assert_allclose(total[0], reward, rtol=TOLERANCE, atol=TOLERANCE, err_msg=f"step {step}")
        assert sim.terminated[0] == terminated, f"step {step}"
        # Gymnasium reports a time-out beside a termination in the same step; here it is one or the other.
        assert sim.truncated[0] == (truncated and not terminated), f"step {step}"
    env.close()
