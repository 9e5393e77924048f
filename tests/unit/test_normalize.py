"""Running statistics: merged batches equal one batch, whatever their sizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabrl_py.nn.normalize import CLIP, ObsNormalizer, RewardScaler, RunningMoments


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(0, 1000))
def test_merged_batches_equal_one_batch(sizes: list[int], seed: int) -> None:
    rows = np.random.default_rng(seed).standard_normal((sum(sizes), 3)) * [1.0, 50.0, 1e-3] + [0.0, 1e4, 5.0]
    moments = RunningMoments(3)
    at = 0
    for size in sizes:
        moments.update(rows[at : at + size])
        at += size
    assert moments.count == len(rows)
    assert moments.mean == pytest.approx(rows.mean(axis=0), rel=1e-12)
    assert moments.var == pytest.approx(rows.var(axis=0), rel=1e-7, abs=1e-12)


def test_an_empty_batch_changes_nothing() -> None:
    moments = RunningMoments(2)
    moments.update(np.zeros((0, 2)))
    assert (moments.count, moments.var.tolist()) == (0.0, [1.0, 1.0])


def test_observations_are_centred_scaled_and_clipped() -> None:
    normalizer = ObsNormalizer(1)
    normalizer.update(np.array([[1.0], [3.0]], np.float32))  # mean 2, std 1
    seen = normalizer.normalize(
        np.array([[2.5], [500.0], [-500.0]], np.float32), np.empty((3, 1), np.float32)
    )
    assert seen[:, 0] == pytest.approx([0.5, CLIP, -CLIP], abs=1e-6)


def test_before_the_first_batch_observations_pass_unchanged_but_clipped() -> None:
    seen = ObsNormalizer(1).normalize(np.array([[2.5], [11.0]], np.float32), np.empty((2, 1), np.float32))
    assert seen[:, 0] == pytest.approx([2.5, 10.0])


def test_rewards_are_scaled_by_the_spread_of_the_discounted_return() -> None:
    scaler = RewardScaler(1, 0.5)
    assert scaler.scale == pytest.approx(1.0)
    # g: 1, 0.5 + 1 = 1.5, episode ends, then 4
    scaler.update(np.array([[1.0], [1.0], [4.0]]), np.array([[False], [True], [False]]))
    assert scaler.scale == pytest.approx(1.0 / np.std([1.0, 1.5, 4.0]), rel=1e-6)
    assert scaler.running.tolist() == [4.0]


def test_moments_survive_their_state() -> None:
    moments, copy = RunningMoments(2), RunningMoments(2)
    moments.update(np.random.default_rng(0).standard_normal((5, 2)))
    copy.load_state(moments.state())
    moments.update(np.ones((3, 2)))
    copy.update(np.ones((3, 2)))
    assert (copy.mean == moments.mean).all()
    assert (copy.var == moments.var).all()
