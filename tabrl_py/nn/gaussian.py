"""The diagonal Gaussian over actions: its mean from the network, its log standard deviation a parameter.

    log p(a) = -1/2 sum_i z_i^2 - sum_i log_std_i - A/2 log(2 pi),    z = (a - mean) / exp(log_std)

Shapes: mean, action, noise (B, A); log_std (A,); log_prob (B,).
"""

import math

import numpy as np

from tabrl_py.types import Float

LOG_2PI = math.log(2.0 * math.pi)


def sample(mean: Float, log_std: Float, noise: Float, out: Float) -> Float:
    """Mean + exp(log_std) * noise, into `out`."""
    np.multiply(noise, np.exp(log_std), out=out)
    np.add(out, mean, out=out)
    return out


def standardise(action: Float, mean: Float, log_std: Float, out: Float) -> Float:
    """Z = (action - mean) / exp(log_std), into `out`; the other functions take it."""
    np.subtract(action, mean, out=out)
    np.multiply(out, np.exp(-log_std), out=out)
    return out


def log_prob(z: Float, log_std: Float) -> Float:
    """(B,) log density of the actions whose standardised form is z."""
    value: Float = np.einsum("ba,ba->b", z, z)
    value *= -0.5
    value -= log_std.sum() + 0.5 * log_std.size * LOG_2PI
    return value


def log_prob_backward(d_log_prob: Float, z: Float, log_std: Float, d_mean: Float, d_log_std: Float) -> None:
    """Gradients of sum_b d_log_prob_b log p(a_b) with respect to the mean and the log standard deviation.

    d log p / d mean = z / std,  d log p / d log_std = z^2 - 1.

    Args:
        d_log_prob: (B,).
        z: (B, A), standardised actions.
        log_std: (A,).
        d_mean: (B, A), overwritten.
        d_log_std: (A,), overwritten.
    """
    np.multiply(z, d_log_prob[:, None], out=d_mean)
    np.einsum("ba,ba->a", d_mean, z, out=d_log_std)
    np.subtract(d_log_std, d_log_prob.sum(), out=d_log_std)
    np.multiply(d_mean, np.exp(-log_std), out=d_mean)


def entropy(log_std: Float) -> float:
    """Entropy in nats: sum_i log_std_i + A/2 (1 + log(2 pi)); its gradient by each log_std is 1."""
    return float(log_std.sum()) + 0.5 * log_std.size * (1.0 + LOG_2PI)
