"""The diagonal Gaussian: known densities, and gradients by finite differences in float64."""

import math

import numpy as np
import pytest

from tabrl_py.nn.gaussian import entropy, log_prob, log_prob_backward, sample, standardise

RNG = np.random.default_rng(3)
MEAN, ACTION, LOG_STD = RNG.standard_normal((6, 3)), RNG.standard_normal((6, 3)), RNG.standard_normal(3) * 0.4
WEIGHTS = RNG.standard_normal(6)


def _log_prob(mean: np.ndarray, log_std: np.ndarray) -> np.ndarray:
    return log_prob(standardise(ACTION, mean, log_std, np.empty_like(mean)), log_std)


def test_log_prob_of_the_standard_normal() -> None:
    z = np.array([[0.0, 2.0]])
    assert log_prob(z, np.zeros(2))[0] == pytest.approx(-2.0 - math.log(2.0 * math.pi), abs=1e-15)


def test_log_prob_is_that_of_each_axis_summed() -> None:
    std = np.exp(LOG_STD)
    expected = (-0.5 * ((ACTION - MEAN) / std) ** 2 - np.log(std * np.sqrt(2 * np.pi))).sum(axis=1)
    assert _log_prob(MEAN, LOG_STD) == pytest.approx(expected, abs=1e-13)


def test_gradients_equal_finite_differences() -> None:
    z = standardise(ACTION, MEAN, LOG_STD, np.empty_like(MEAN))
    d_mean, d_log_std = np.empty_like(MEAN), np.empty_like(LOG_STD)
    log_prob_backward(WEIGHTS, z, LOG_STD, d_mean, d_log_std)
    eps = 1e-6
    for i in np.ndindex(*MEAN.shape):
        step = np.zeros_like(MEAN)
        step[i] = eps
        slope = WEIGHTS @ (_log_prob(MEAN + step, LOG_STD) - _log_prob(MEAN - step, LOG_STD)) / (2 * eps)
        assert d_mean[i] == pytest.approx(slope, rel=1e-6, abs=1e-8)
    for j in range(3):
        step = np.zeros(3)
        step[j] = eps
        slope = WEIGHTS @ (_log_prob(MEAN, LOG_STD + step) - _log_prob(MEAN, LOG_STD - step)) / (2 * eps)
        assert d_log_std[j] == pytest.approx(slope, rel=1e-6, abs=1e-8)


def test_entropy_is_minus_the_mean_log_prob() -> None:
    noise = np.random.default_rng(0).standard_normal((200_000, 3))
    assert entropy(LOG_STD) == pytest.approx(-log_prob(noise, LOG_STD).mean(), abs=0.01)


def test_a_sample_standardises_to_its_noise() -> None:
    noise = RNG.standard_normal((6, 3))
    action = sample(MEAN, LOG_STD, noise, np.empty_like(noise))
    assert standardise(action, MEAN, LOG_STD, np.empty_like(noise)) == pytest.approx(noise, abs=1e-12)
