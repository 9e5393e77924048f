"""The squashed Gaussian: by hand, by numerical integration, by finite differences in float64."""

import numpy as np
import pytest

from tabrl_py.nn.squashed import LOG_STD_RANGE, Draw, draw, draw_backward


def test_log_prob_by_hand() -> None:
    # u = 0.5 + 1 * 1: log N(1.5; 0.5, 1) - log(1 - tanh(1.5)^2)
    drawn = draw(np.array([[0.5]]), np.array([[0.0]]), np.array([[1.0]]))
    expected = -0.5 - 0.5 * np.log(2.0 * np.pi) - np.log(1.0 - np.tanh(1.5) ** 2)
    assert drawn.action[0, 0] == pytest.approx(np.tanh(1.5), abs=1e-15)
    assert drawn.log_prob[0] == pytest.approx(expected, abs=1e-12)


def test_the_density_of_the_actions_integrates_to_one() -> None:
    actions = np.linspace(-1.0, 1.0, 200_001)[1:-1]
    mean, log_std = 0.3, -0.4
    noise = (np.arctanh(actions) - mean) / np.exp(log_std)
    drawn = draw(np.full((actions.size, 1), mean), np.full((actions.size, 1), log_std), noise[:, None])
    assert np.trapezoid(np.exp(drawn.log_prob), actions) == pytest.approx(1.0, abs=1e-4)


def test_saturated_actions_keep_a_finite_log_prob_in_float32() -> None:
    mean = np.array([[40.0, -40.0]], np.float32)
    drawn = draw(mean, np.zeros_like(mean), np.zeros_like(mean))
    assert drawn.action.tolist() == [[1.0, -1.0]]
    # log(1 - tanh(u)^2) tends to 2 log 2 - 2 |u|
    expected = -np.log(2.0 * np.pi) + 2 * (80.0 - 2 * np.log(2.0))
    assert drawn.log_prob[0] == pytest.approx(expected, rel=1e-6)
    assert drawn.log_prob.dtype == np.float32


def _loss(drawn: Draw, w_action: np.ndarray, w_log_prob: np.ndarray) -> float:
    return float((drawn.action * w_action).sum() + (drawn.log_prob * w_log_prob).sum())


def test_gradients_equal_finite_differences() -> None:
    rng = np.random.default_rng(0)
    mean, raw, noise, w_action = (rng.standard_normal((5, 3)) for _ in range(4))
    raw[0, 0], raw[1, 1] = LOG_STD_RANGE[0] - 1.0, LOG_STD_RANGE[1] + 1.0
    w_log_prob = rng.standard_normal(5)
    d_mean, d_raw = draw_backward(draw(mean, raw, noise), w_action, w_log_prob)
    assert d_raw[0, 0] == d_raw[1, 1] == 0.0
    eps = 1e-6
    for array, grads in ((mean, d_mean), (raw, d_raw)):
        for at in np.ndindex(*array.shape):
            kept = array[at]
            array[at] = kept + eps
            above = _loss(draw(mean, raw, noise), w_action, w_log_prob)
            array[at] = kept - eps
            below = _loss(draw(mean, raw, noise), w_action, w_log_prob)
            array[at] = kept
            assert grads[at] == pytest.approx((above - below) / (2 * eps), rel=1e-5, abs=1e-7), at
