"""One physics step in WebAssembly against one natively, from states that robots really reach."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from tabrl_py.sim.models import model_path
from tabrl_py.sim.native import STATE, NativeBatchSim
from tabrl_py.tasks import TASKS, TaskSpec, sample_reset
from tabrl_py.types import F64
from tests.parity.node_sim import Node, NodeBatchSim

STATES = 1000
ROWS = 20
TOLERANCE = 1e-10
ONE_TASK_PER_MODEL = list({task.model: task for task in TASKS.values()}.values())


def reachable_states(task: TaskSpec, nstate: int) -> tuple[F64, F64]:
    """States met under random actions after random times, and controls to step them with."""
    rng = np.random.default_rng(11)
    sim = NativeBatchSim(task, ROWS)
    sim.next_init[...] = [sample_reset(task, sim.qpos0, sim.nv, rng) for _ in range(ROWS)]
    sim.reset()
    shape = (ROWS, task.action_size)
    states: list[F64] = []
    while len(states) * ROWS < STATES:
        for _ in range(rng.integers(1, 6)):
            sim.next_init[...] = [sample_reset(task, sim.qpos0, sim.nv, rng) for _ in range(ROWS)]
            sim.step(rng.uniform(task.action_low, task.action_high, shape))
        states.append(sim.states()[:, 1 : 1 + nstate])
    count = ROWS * len(states)
    return np.concatenate(states), rng.uniform(task.action_low, task.action_high, (count, task.action_size))


def native_steps(task: TaskSpec, states: F64, ctrl: F64) -> F64:
    model = mujoco.MjModel.from_xml_path(str(model_path(task.model)))
    data = mujoco.MjData(model)
    after = np.zeros_like(states)
    for row, (state, controls) in enumerate(zip(states, ctrl, strict=True)):
        mujoco.mj_setState(model, data, state, STATE)
        data.ctrl[:] = controls
        mujoco.mj_step(model, data)
        mujoco.mj_getState(model, data, after[row], STATE)
    return after


@pytest.mark.parametrize("task", ONE_TASK_PER_MODEL, ids=lambda task: task.model)
def test_one_step_from_reachable_states_equals_native(node: Node, task: TaskSpec) -> None:
    wasm = NodeBatchSim(node, task, 1)
    assert wasm.version == mujoco.mj_versionString()
    states, ctrl = reachable_states(task, wasm.nstate)
    expected = native_steps(task, states, ctrl)
    found = wasm.step_each(states, ctrl)
    # Relative to the size of the quantity over all states: a velocity that passes through zero has no digits.
    nq, nv = wasm.nq, wasm.nv
    for first, last in ((0, 1), (1, 1 + nq), (1 + nq, 1 + nq + nv)):
        scale = np.maximum(np.abs(expected[:, first:last]), np.abs(expected[:, first:last]).mean(axis=0))
        worst = np.max(np.abs(found - expected)[:, first:last] / scale)
        assert worst <= TOLERANCE, f"numbers {first}:{last} of the state differ by {worst:.1e}"
    assert np.ptp(expected[:, 1 : 1 + nq], axis=0).max() > 0.01
