"""The loss of PPO with a clipped objective (arXiv:1707.06347, eq. 7) and its gradient.

    loss = -mean(min(r A, clip(r, 1 - c, 1 + c) A)) + value_coef mean((V - R)^2) - entropy_coef entropy,
    r = exp(log p - old log p)

Means are over the samples of a minibatch, which may be spread over shards. So everything here is a sum over
some of its rows, divided by the size of the whole minibatch; the entropy does not depend on the samples and
is left to whoever makes the step (nn/arithmetic.py).
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.gaussian import log_prob, log_prob_backward, standardise
from tabrl_py.types import F64, I32, Float

KL_SLACK = 1.5
"""An update stops when the divergence of a minibatch exceeds this many times target_kl."""
SUMS = ("policy_loss", "value_loss", "kl", "clipped")
"""What is summed over the rows of a minibatch, in the order of every array of figures."""


class Outcome(IntEnum):
    """What a minibatch did."""

    STEPPED = 0
    KL_STOP = 1
    """The divergence exceeded its limit: nothing was changed."""
    NOT_FINITE = 2
    """A loss or the gradient was not finite: nothing was changed."""


@dataclass(frozen=True)
class MinibatchFigures:
    """What a minibatch says before its step; grad_norm and entropy (after the step) only where it stepped."""

    policy_loss: float
    value_loss: float
    kl: float
    clip_fraction: float
    grad_norm: float
    entropy: float


@dataclass(frozen=True)
class Minibatch:
    """Samples of one gradient step, or a shard of them.

    Attributes:
        obs: (B, O) normalised.
        actions: (B, A) before clipping to the bounds.
        old_log_prob: (B,) under the policy that drew them.
        advantages: (B,).
        returns: (B,) targets of the critic.
    """

    obs: Float
    actions: Float
    old_log_prob: Float
    advantages: Float
    returns: Float


def policy_losses(
    new_log_prob: Float, old_log_prob: Float, advantages: Float, clip_range: float
) -> tuple[Float, Float, Float]:
    """The clipped surrogate of each sample, to be minimised: -min(r A, clip(r, 1 - c, 1 + c) A).

    Args:
        new_log_prob: (B,).
        old_log_prob: (B,).
        advantages: (B,).
        clip_range: c.

    Returns:
        (B,) losses, (B,) the gradient of each by its new_log_prob, and (B,) the ratios r.
    """
    ratio = np.exp(new_log_prob - old_log_prob)
    plain = ratio * advantages
    clipped = np.clip(ratio, 1.0 - clip_range, 1.0 + clip_range) * advantages
    # Where the advantage is not a number, no comparison holds: NaN must be handed on, to be found later.
    d_log_prob = np.where(plain > clipped, 0.0, -plain)
    return -np.minimum(plain, clipped), d_log_prob.astype(new_log_prob.dtype, copy=False), ratio


def gradient_sums(
    nets: ActorCritic, some: Minibatch, clip_range: float, value_coef: float, samples: int, out: Float
) -> F64:
    """The share of some rows in the gradient of a minibatch's loss, without its entropy term.

    Args:
        nets: the networks.
        some: the rows, (B, ...), their advantages normalised as the whole minibatch's are.
        clip_range: c of the surrogate.
        value_coef: weight of the value loss.
        samples: size of the whole minibatch, which the means are over.
        out: (P,) is overwritten: the sum over the rows of d loss_i / samples.

    Returns:
        (4,) the sums over the rows that SUMS names.
    """
    mean_size, actor_size = nets.actor.params.size, nets.actor_size
    if len(some.obs) == 0:
        out[...] = 0.0
        return np.zeros(len(SUMS))
    mean = nets.actor.forward(some.obs)
    z = standardise(some.actions, mean, nets.log_std, np.empty_like(mean))
    new_log_prob = log_prob(z, nets.log_std)
    losses, d_log_prob, ratio = policy_losses(new_log_prob, some.old_log_prob, some.advantages, clip_range)
    d_log_prob *= 1.0 / samples
    d_mean = np.empty_like(mean)
    log_prob_backward(d_log_prob, z, nets.log_std, d_mean, out[mean_size:actor_size])
    nets.actor.backward(d_mean, out[:mean_size])
    error = nets.critic.forward(some.obs)[:, 0] - some.returns
    nets.critic.backward((error * (2.0 * value_coef / samples))[:, None], out[actor_size:])
    return np.array(
        [
            losses.sum(dtype=np.float64),
            np.square(error, dtype=np.float64).sum(),
            ((ratio - 1.0) - (new_log_prob - some.old_log_prob)).sum(dtype=np.float64),
            np.count_nonzero(np.abs(ratio - 1.0) > clip_range),
        ]
    )


def check_samples(samples: int) -> None:
    """Raise ValueError where a minibatch has no samples, over which its means would be."""
    if samples < 1:
        raise ValueError(f"a minibatch must have samples; samples={samples}")


def check_shards(rows: I32, counts: I32, samples: int, available: int) -> None:
    """Raise where the shards of a minibatch do not name samples.

    Args:
        rows: positions in the samples.
        counts: rows of each shard.
        samples: of the whole minibatch.
        available: samples there are.

    Raises:
        ValueError: samples is not positive, or rows and counts contradict each other.
        IndexError: a row is not one of the samples.
    """
    check_samples(samples)
    total = int(counts.sum())
    if total > samples or total != len(rows) or (len(counts) and counts.min() < 0):
        raise ValueError(
            f"a minibatch of {samples} samples cannot have shards of {counts.tolist()} rows, "
            f"{len(rows)} of which are named"
        )
    if total and (rows.min() < 0 or rows.max() >= available):
        raise IndexError(f"rows must lie in [0, {available}), the samples of begin(); they are {rows}")


def tree_sum(block: Float) -> Float:
    """Add up the rows of (n, P), n a power of two, by the fixed binary tree over them.

    ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)): an aligned half of the rows is a whole branch, so whoever holds
    those rows can add them up first, and the bits are the same.

    Returns:
        the sum, in the first row; the other rows are overwritten.
    """
    rows = len(block)
    if rows < 1 or rows & (rows - 1):
        raise ValueError(f"a tree sum needs a power of two of rows; there are {rows}")
    step = 1
    while step < rows:
        for at in range(0, rows, 2 * step):
            block[at] += block[at + step]
        step *= 2
    total: Float = block[0]
    return total
