"""The squashed Gaussian over actions: a = tanh(u), u = mean + exp(log_std) noise (arXiv:1812.05905, app. C).

    log p(a) = sum_i [ -noise_i^2 / 2 - log_std_i - log(2 pi) / 2 - log(1 - a_i^2) ]

Mean and log_std both come from the network, so both have gradients. log(1 - tanh(u)^2) is computed as
2 (log 2 - u - log(1 + exp(-2 u))), which neither overflows nor loses its digits where tanh is close to 1.

Shapes: mean, raw_log_std, noise, action (B, A); log_prob (B,).
"""

import math
from dataclasses import dataclass

import numpy as np

from tabrl_py.nn.gaussian import LOG_2PI
from tabrl_py.types import Bool, Float

LOG_STD_RANGE = (-20.0, 2.0)
"""The network's log_std is clipped to this; beyond it has no gradient."""


@dataclass(frozen=True)
class Draw:
    """Actions drawn, and what their gradient needs.

    Attributes:
        action: (B, A) in [-1, 1].
        log_prob: (B,) of each action.
        std: (B, A).
        noise: (B, A) the standard normal draws.
        inside: (B, A) where log_std was not clipped.
    """

    action: Float
    log_prob: Float
    std: Float
    noise: Float
    inside: Bool


def draw(mean: Float, raw_log_std: Float, noise: Float) -> Draw:
    """Actions for given noise, and their log-probabilities."""
    low, high = LOG_STD_RANGE
    log_std = np.clip(raw_log_std, low, high)
    std = np.exp(log_std)
    u = mean + std * noise
    # log(1 + exp(-2 u)) = logaddexp(0, -2 u)
    log_slope = 2.0 * (math.log(2.0) - u - np.logaddexp(0.0, -2.0 * u))
    terms = -0.5 * noise * noise - log_std - log_slope
    log_prob = terms.sum(axis=1) - 0.5 * LOG_2PI * mean.shape[1]
    inside = (raw_log_std >= low) & (raw_log_std <= high)
    return Draw(np.tanh(u), log_prob.astype(mean.dtype, copy=False), std, noise, inside)


def draw_backward(drawn: Draw, d_action: Float, d_log_prob: Float) -> tuple[Float, Float]:
    """Gradients by the mean and the raw log_std, through u, with the noise held fixed.

    d action / d u = 1 - a^2,  d log p / d u = 2 a,  d u / d log_std = std noise,  and log p has -log_std.

    Args:
        drawn: what draw() gave.
        d_action: (B, A) gradient of the loss by the actions.
        d_log_prob: (B,) gradient of the loss by their log-probabilities.

    Returns:
        (B, A) by the mean, and (B, A) by the raw log_std.
    """
    a = drawn.action
    d_u = d_action * (1.0 - a * a) + d_log_prob[:, None] * (2.0 * a)
    d_log_std = d_u * drawn.std * drawn.noise - d_log_prob[:, None]
    return d_u, np.where(drawn.inside, d_log_std, np.zeros_like(d_log_std))
