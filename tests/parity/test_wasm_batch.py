"""batch_sim.js beside independent simulations: rows share nothing, episodes begin and end as natively."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from tabrl_py.sim.batch import BatchSim
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import TaskSpec, get_task, sample_reset
from tabrl_py.types import F64
from tests.parity.node_sim import Node, NodeBatchSim

ROBOTS = ["humanoid-stand", "Ant-v5", "Hopper-v5"]


def draw(task: TaskSpec, sim: BatchSim, steps: int, seed: int) -> tuple[F64, F64]:
    """First states (N, nq + nv) and float32-exact actions (T, N, A)."""
    rng = np.random.default_rng(seed)
    firsts = np.stack([sample_reset(task, sim.qpos0, sim.nv, rng) for _ in range(sim.n_envs)])
    actions = rng.uniform(task.action_low, task.action_high, (steps, sim.n_envs, task.action_size))
    return firsts, actions.astype(np.float32).astype(np.float64)


def begin(sim: BatchSim, firsts: F64) -> None:
    sim.next_init[...] = firsts
    sim.reset()


def never_ending(task: TaskSpec) -> TaskSpec:
    return dataclasses.replace(task, healthy=(), time_limit=10**6)


@pytest.mark.parametrize("name", ROBOTS)
def test_rows_are_bit_for_bit_what_they_are_alone(node: Node, name: str) -> None:
    task = never_ending(get_task(name))
    together = NodeBatchSim(node, task, 5)
    firsts, actions = draw(task, together, 60, 3)
    begin(together, firsts)
    for step in range(60):
        together.step(actions[step])
    expected, obs = together.states(), together.obs.copy()
    for row in range(5):
        alone = NodeBatchSim(node, task, 1)
        begin(alone, firsts[row : row + 1])
        for step in range(60):
            alone.step(actions[step, row : row + 1])
        assert alone.states().tobytes() == expected[row].tobytes()
        assert alone.obs.tobytes() == obs[row].tobytes()
    assert len(np.unique(expected[:, 2])) == 5


@pytest.mark.parametrize("name", ROBOTS)
def test_rows_with_different_actions_equal_independent_native_simulations(node: Node, name: str) -> None:
    task = never_ending(get_task(name))
    wasm = NodeBatchSim(node, task, 6)
    natives = [NativeBatchSim(task, 1) for _ in range(6)]
    firsts, actions = draw(task, wasm, 10, 4)
    begin(wasm, firsts)
    for native, first in zip(natives, firsts, strict=True):
        begin(native, first[None])
    for step in range(10):
        wasm.step(actions[step])
        for row, native in enumerate(natives):
            native.step(actions[step, row : row + 1])
        expected = np.concatenate([native.states() for native in natives])
        np.testing.assert_allclose(wasm.states(), expected, rtol=1e-7, atol=1e-7, err_msg=f"step {step}")
    assert np.all(np.ptp(wasm.states()[:, 2 : 2 + wasm.nq], axis=0)[-4:] > 1e-4)


def test_poses_and_torques_are_the_engines(node: Node) -> None:
    task = get_task("humanoid-stand")
    wasm, native = NodeBatchSim(node, task, 4), NativeBatchSim(task, 4)
    firsts, actions = draw(task, wasm, 12, 5)
    for sim in (wasm, native):
        begin(sim, firsts)
        sim.watch([2, 0])
    np.testing.assert_allclose(wasm.poses, native.poses, rtol=1e-6, atol=1e-6)
    for step in range(12):
        wasm.step(actions[step])
        native.step(actions[step])
        np.testing.assert_allclose(wasm.poses, native.poses, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(wasm.torques, native.torques, rtol=1e-5, atol=1e-4)
    assert np.abs(wasm.torques).max() > 1.0
    assert not np.array_equal(wasm.poses[0], wasm.poses[1])


def test_a_push_moves_one_row_as_it_does_natively_and_ends(node: Node) -> None:
    task = never_ending(get_task("humanoid-stand"))
    wasm, native, calm = NodeBatchSim(node, task, 2), NativeBatchSim(task, 2), NativeBatchSim(task, 2)
    firsts, actions = draw(task, wasm, 6, 6)
    for sim in (wasm, native, calm):
        begin(sim, firsts)
    for sim in (wasm, native):
        sim.push(1, 1, (300.0, -80.0, 40.0), (0.1, 0.2, 1.4), 3)
    for step in range(6):
        for sim in (wasm, native, calm):
            sim.step(actions[step])
    np.testing.assert_allclose(wasm.states(), native.states(), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(wasm.states()[0], calm.states()[0], rtol=1e-7, atol=1e-7)
    assert np.abs(wasm.states()[1] - calm.states()[1]).max() > 0.1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((2, 1, (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), 1), "row=2 does not exist"),
        ((0, 0, (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), 1), "body=0 cannot be pushed"),
        ((0, 1, (1.0, 0.0), (0.0, 0.0, 1.0), 1), "must be finite"),
        ((0, 1, (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), 0), "steps=0 must be at least 1"),
    ],
)
def test_a_wrong_push_says_what_is_wrong(node: Node, arguments: Any, words: str) -> None:
    sim = NodeBatchSim(node, get_task("Hopper-v5"), 2)
    with pytest.raises(RuntimeError, match=words):
        sim.push(*arguments)


def test_states_go_on_bit_for_bit(node: Node) -> None:
    task = get_task("Hopper-v5")
    sim = NodeBatchSim(node, task, 3)
    firsts, actions = draw(task, sim, 40, 7)
    begin(sim, firsts)
    for step in range(20):
        sim.step(actions[step])
    saved = sim.states()
    for step in range(20, 40):
        sim.step(actions[step])
    expected, signals = sim.states(), sim.prev_signals.copy()
    again = NodeBatchSim(node, task, 3)
    again.next_init[...] = firsts
    again.load_states(saved)
    assert again.states().tobytes() == saved.tobytes()
    for step in range(20, 40):
        again.step(actions[step])
    assert again.states().tobytes() == expected.tobytes()
    assert again.prev_signals.tobytes() == signals.tobytes()


def test_states_of_another_size_are_refused(node: Node) -> None:
    sim = NodeBatchSim(node, get_task("Hopper-v5"), 3)
    with pytest.raises(RuntimeError, match="Hopper-v5 with 3 rows needs"):
        sim.load_states(np.zeros((2, 5)))


def test_a_broken_state_resets_its_row_and_no_other(node: Node) -> None:
    task = get_task("Hopper-v5")
    wasm, native = NodeBatchSim(node, task, 3), NativeBatchSim(task, 3)
    firsts, actions = draw(task, wasm, 2, 8)
    for sim in (wasm, native):
        begin(sim, firsts)
        sim.step(actions[0])
        before = sim.obs[1].copy()
        states = sim.states()
        states[1, 3] = np.nan  # a height
        states[2, 2 + sim.nq] = 1e30  # a velocity that makes the engine warn
        sim.load_states(states)
        sim.step(actions[1])
        assert sim.unstable.tolist() == [False, True, True]
        assert sim.terminated.tolist() == [False, True, True]
        assert sim.truncated.tolist() == [False, False, False]
        assert sim.unstable_count == 2
        assert np.array_equal(sim.final_obs[1], before)
        assert np.isfinite(sim.obs).all()
        assert sim.steps.tolist() == [2.0, 0.0, 0.0]
        sim.step(actions[1])
        assert not sim.unstable.any()
    np.testing.assert_allclose(wasm.states(), native.states(), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(wasm.obs, native.obs, rtol=1e-6, atol=1e-6)


def test_an_action_that_is_not_a_number_is_found(node: Node) -> None:
    task = get_task("Hopper-v5")
    wasm, native = NodeBatchSim(node, task, 2), NativeBatchSim(task, 2)
    actions = np.zeros((2, task.action_size))
    actions[1, 0] = np.nan
    for sim in (wasm, native):
        sim.step(actions)
        assert sim.unstable.tolist() == [False, True]


def test_the_engines_memory_may_grow(node: Node) -> None:
    task = get_task("Hopper-v5")
    expected = NativeBatchSim(task, 2)
    sim = NodeBatchSim(node, task, 2)
    firsts, actions = draw(task, sim, 4, 9)
    for each in (sim, expected):
        begin(each, firsts)
        each.watch([0])
        each.step(actions[0])
    sim.grow_memory()
    for each in (sim, expected):
        each.step(actions[1])
    np.testing.assert_allclose(sim.obs, expected.obs, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(sim.poses, expected.poses, rtol=1e-6, atol=1e-6)
    sim.grow_memory()
    sim.push(0, 1, (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), 1)
    sim.reset([1])
    assert np.isfinite(sim.obs).all()


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("<mujoco><nonsense/></mujoco>", "ModelError: model hopper cannot be read.*nonsense"),
        ("not xml", "ModelError: model hopper cannot be read"),
        ("<mujoco><worldbody/></mujoco>", "ModelError: model hopper has 0 actuators"),
    ],
)
def test_a_bad_model_says_what_is_wrong(node: Node, xml: str, words: str) -> None:
    with pytest.raises(RuntimeError, match=words):
        NodeBatchSim(node, get_task("Hopper-v5"), 1, xml=xml)


def test_a_task_that_reads_what_the_model_has_not_says_so(node: Node) -> None:
    task = get_task("Hopper-v5")
    field = dataclasses.replace(task.observation[0], start=0, stop=500)
    with pytest.raises(RuntimeError, match=r"reads qpos\[0:500\], but model hopper has 6 numbers there"):
        NodeBatchSim(node, dataclasses.replace(task, observation=(field,)), 1)
