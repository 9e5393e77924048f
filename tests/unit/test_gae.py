"""Advantages against numbers computed by hand, with a termination and a time-out."""

import numpy as np
import pytest

from tabrl_py.algos.rollout import Rollout, gae

GAMMA, LAM = 0.5, 0.5


def _column(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float32)[:, None]


def _ends(*flags: int) -> np.ndarray:
    return np.array(flags, np.bool_)[:, None]


def test_an_episode_that_goes_on() -> None:
    # deltas: 1 + .5*3 - 2 = .5;  2 + .5*4 - 3 = 1;  3 + .5*6 - 4 = 2.
    # A2 = 2, A1 = 1 + .25*2 = 1.5, A0 = .5 + .25*1.5 = .875
    advantages = gae(
        _column(1, 2, 3), _column(2, 3, 4), _column(3, 4, 6), _ends(0, 0, 0), _ends(0, 0, 0), GAMMA, LAM
    )
    assert advantages[:, 0].tolist() == [0.875, 1.5, 2.0]


def test_a_termination_has_no_future() -> None:
    # At t = 1 the task ended: delta = 2 - 3 = -1, whatever V says of the next state. A0 = .5 + .25*(-1) = .25
    advantages = gae(
        _column(1, 2, 3), _column(2, 3, 4), _column(3, 99, 6), _ends(0, 1, 0), _ends(0, 0, 0), GAMMA, LAM
    )
    assert advantages[:, 0].tolist() == [0.25, -1.0, 2.0]


def test_a_time_out_bootstraps_from_the_true_last_state_and_cuts_the_trace() -> None:
    # At t = 1 time was up in a state worth 8: delta = 2 + .5*8 - 3 = 3, and nothing of t = 2 flows back.
    # A0 = .5 + .25*3 = 1.25
    advantages = gae(
        _column(1, 2, 3), _column(2, 3, 4), _column(3, 8, 6), _ends(0, 0, 0), _ends(0, 1, 0), GAMMA, LAM
    )
    assert advantages[:, 0].tolist() == [1.25, 3.0, 2.0]


def test_lambda_one_gives_returns_minus_values() -> None:
    rewards, values = _column(1, 1, 1), _column(5, 6, 7)
    advantages = gae(rewards, values, _column(6, 7, 8), _ends(0, 0, 0), _ends(0, 0, 0), 0.5, 1.0)
    returns = [1 + 0.5 * (1 + 0.5 * (1 + 0.5 * 8)), 1 + 0.5 * (1 + 0.5 * 8), 1 + 0.5 * 8]
    assert (advantages + values)[:, 0] == pytest.approx(returns)


def test_environments_do_not_mix() -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((6, 3)).astype(np.float32) for _ in range(3)]
    flags = [rng.random((6, 3)) < 0.3, rng.random((6, 3)) < 0.3]
    flags[1] &= ~flags[0]
    rewards, values, next_values = arrays
    terminated, truncated = flags
    together = gae(rewards, values, next_values, terminated, truncated, 0.9, 0.8)
    for n in range(3):
        at = (slice(None), slice(n, n + 1))
        alone = gae(rewards[at], values[at], next_values[at], terminated[at], truncated[at], 0.9, 0.8)
        assert np.array_equal(alone[:, 0], together[:, n])


def test_a_rollout_is_full_and_clears() -> None:
    rollout = Rollout(2, 3, 4, 1)
    rollout.steps = 2
    rollout.final_obs.append((1, 0, np.zeros(4, np.float32)))
    assert rollout.full
    rollout.clear()
    assert rollout.steps == 0
    assert rollout.final_obs == []
