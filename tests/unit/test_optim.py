"""Adam against its own formulas step by step, and the gradient's limit."""

import numpy as np
import pytest

from tabrl_py.nn.optim import Adam, clip_norm


def test_the_first_step_of_adam_has_the_learning_rate_as_its_size() -> None:
    params = np.array([1.0, -2.0])
    Adam(params, epsilon=0.0).step(np.array([0.3, -40.0]), 0.01)
    assert params == pytest.approx([0.99, -1.99], abs=1e-12)


def test_adam_follows_its_paper() -> None:
    rng = np.random.default_rng(0)
    params = rng.standard_normal(4)
    expected, m, v = params.copy(), np.zeros(4), np.zeros(4)
    adam = Adam(params)
    for t in range(1, 6):
        g = rng.standard_normal(4)
        adam.step(g, 1e-2)
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        expected -= 1e-2 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-5)
    assert params == pytest.approx(expected, abs=1e-12)
    assert adam.step_count == 5


def test_a_long_gradient_is_scaled_and_a_short_one_is_not() -> None:
    grads = np.array([3.0, 4.0])
    assert clip_norm(grads, 0.5) == pytest.approx(5.0)
    assert grads == pytest.approx([0.3, 0.4])
    assert clip_norm(grads, 0.6) == pytest.approx(0.5)
    assert grads == pytest.approx([0.3, 0.4])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_says_so(bad: float) -> None:
    assert not np.isfinite(clip_norm(np.array([1.0, bad]), 0.5))
