"""First states are drawn as the task describes them."""

from dataclasses import replace

import numpy as np
import pytest

from tabrl_py.rng import Purpose, stream
from tabrl_py.tasks import TASKS, sample_reset
from tabrl_py.tasks.spec import ResetSpec

QPOS0 = np.arange(10.0)
TASK = TASKS["Hopper-v5"]


def drawn(reset: ResetSpec, count: int = 400) -> np.ndarray:
    task = replace(TASK, reset=reset)
    rng = np.random.default_rng(0)
    return np.array([sample_reset(task, QPOS0, 4, rng) for _ in range(count)])


def test_uniform_noise_fills_its_width_on_positions_and_velocities() -> None:
    states = drawn(ResetSpec(qpos_noise=0.1, qvel_noise=0.5))
    assert states.shape == (400, 14)
    off = states[:, :10] - QPOS0
    assert (np.abs(off) <= 0.1).all()
    assert (off.max(axis=0) > 0.09).all()
    assert (off.min(axis=0) < -0.09).all()
    assert (np.abs(states[:, 10:]) <= 0.5).all()
    assert (np.abs(states[:, 10:]).max(axis=0) > 0.45).all()


def test_root_without_noise_stays_exactly_in_place() -> None:
    states = drawn(ResetSpec(qpos_noise=0.1, root_noise=False))
    np.testing.assert_array_equal(states[:, :7], np.tile(QPOS0[:7], (400, 1)))
    assert (states[:, 7:10].std(axis=0) > 0.05).all()
    assert (states[:, 10:] == 0.0).all()


def test_normal_velocity_noise_has_its_spread() -> None:
    velocities = drawn(ResetSpec(qvel_noise=0.2, qvel_kind="normal"), count=4000)[:, 10:]
    assert velocities.std() == pytest.approx(0.2, rel=0.03)
    assert np.abs(velocities).max() > 0.6


def test_draws_are_all_positions_then_all_velocities() -> None:
    task = replace(TASK, reset=ResetSpec(qpos_noise=0.1, qvel_noise=0.2))
    rng = np.random.default_rng(3)
    expected = np.concatenate([QPOS0 + rng.uniform(-0.1, 0.1, 10), rng.uniform(-0.2, 0.2, 4)])
    np.testing.assert_array_equal(sample_reset(task, QPOS0, 4, np.random.default_rng(3)), expected)


def test_streams_decide_everything_and_qpos0_is_not_changed() -> None:
    before = QPOS0.copy()
    first = sample_reset(TASK, QPOS0, 4, stream(1, Purpose.RESET, 2, 3))
    again = sample_reset(TASK, QPOS0, 4, stream(1, Purpose.RESET, 2, 3))
    other = sample_reset(TASK, QPOS0, 4, stream(1, Purpose.RESET, 2, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(QPOS0, before)
