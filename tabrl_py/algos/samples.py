"""A rollout as on-policy learning needs it: samples by shard, valued, with advantages and returns."""

from dataclasses import dataclass

import numpy as np

from tabrl_py.algos.algorithm import normalized
from tabrl_py.algos.rollout import Rollout
from tabrl_py.algos.shards import Share
from tabrl_py.nn.arithmetic import Arithmetic
from tabrl_py.nn.gaussian import LOG_2PI
from tabrl_py.nn.normalize import ObsNormalizer, RunningMoments
from tabrl_py.rng import Purpose, stream
from tabrl_py.tasks.spec import Mirror
from tabrl_py.types import F32, F64, I32, Float


@dataclass
class Samples:
    """The samples of this member, M = T E of each of its C shards, shard after shard.

    Attributes:
        obs: (C M, O) normalised; with mirror images (2 C M, O), those of all samples behind the samples.
        actions: (C M, A), or (2 C M, A), before clipping to the bounds.
        log_prob: (C M,) of the actions, under the policy that drew them.
        advantages: (C M,) not normalised.
        returns: (C M,) targets of the critic.
        explained: (C, 4) mean and variance of each shard's returns, and of what the critic left of them.
    """

    obs: F32
    actions: F32
    log_prob: F32
    advantages: F32
    returns: F32
    explained: F64


def prepare_samples(
    rollout: Rollout,
    normalizer: ObsNormalizer | None,
    share: Share,
    arithmetic: Arithmetic,
    log_std: Float,
    gamma: float,
    lam: float,
    mirror: Mirror | None = None,
) -> Samples:
    """Value a full rollout and lay it out by shard.

    Args:
        rollout: full, its rewards scaled.
        normalizer: of the observations, or None.
        share: which rows they are.
        arithmetic: of the critic.
        log_std: (A,) of the policy that acted.
        gamma: discount.
        lam: of the advantages; see nn.advantages.gae.
        mirror: of the task, where the mirror images of the samples are wanted too.
    """
    steps, n = rollout.n_steps, rollout.n_envs
    raw = share.by_shard(rollout.obs).reshape(steps * n, -1)
    obs, actions = _with_images(raw, share.by_shard(rollout.actions).reshape(steps * n, -1), mirror)
    if normalizer is not None:
        normalizer.normalize(obs, obs)
    values = arithmetic.values(obs[: steps * n])
    by_step = _by_step(values, share, steps, n)
    next_values = np.empty_like(by_step)
    next_values[:-1] = by_step[1:]
    next_values[-1] = arithmetic.values(normalized(rollout.last_obs, normalizer))
    if rollout.final_obs:
        at_t, at_n, finals = zip(*rollout.final_obs, strict=True)
        next_values[list(at_t), list(at_n)] = arithmetic.values(normalized(np.stack(finals), normalizer))
    with np.errstate(all="ignore"):  # what is not finite is found when the minibatches are made
        ends = (rollout.terminated, rollout.truncated)
        advantages = arithmetic.gae(rollout.rewards, by_step, next_values, *ends, gamma, lam)
        flat = share.by_shard(advantages).ravel()
        returns = flat + values
        left = np.stack([returns, flat]).reshape(2, len(share.mine), -1).astype(np.float64)
        explained = np.stack([left[0].mean(1), left[0].var(1), left[1].mean(1), left[1].var(1)], axis=1)
    noise = share.by_shard(rollout.noise).reshape(steps * n, -1)
    constant = float(np.sum(log_std)) + 0.5 * LOG_2PI * noise.shape[1]
    log_prob = -0.5 * np.einsum("ba,ba->b", noise, noise) - np.float32(constant)
    return Samples(obs, actions, log_prob, flat, returns, explained)


def _by_step(values: F32, share: Share, steps: int, n: int) -> F32:
    """(T, N) of what is laid out by shard, (C T E,)."""
    split = values.reshape(len(share.mine), steps, -1).swapaxes(0, 1)
    return np.ascontiguousarray(split).reshape(steps, n)


def _with_images(obs: F32, actions: F32, mirror: Mirror | None) -> tuple[F32, F32]:
    """Observations and actions, followed by their mirror images where there is a mirror."""
    if mirror is None:
        return obs, actions
    images = []
    for rows, source, sign in (
        (obs, mirror.observation, mirror.observation_sign),
        (actions, mirror.action, mirror.action_sign),
    ):
        both = np.empty((2 * len(rows), rows.shape[1]), np.float32)
        both[: len(rows)] = rows
        np.multiply(rows[:, list(source)], np.array(sign, np.float32), out=both[len(rows) :])
        images.append(both)
    return images[0], images[1]


def explained_variance(shards: F64, samples: int) -> float:
    """1 - var(returns - values) / var(returns) of a whole run; 0 where the returns do not vary.

    Args:
        shards: (S, 4), Samples.explained of all shards.
        samples: of each shard.
    """
    returns, left = merged(shards[:, :2], samples), merged(shards[:, 2:], samples)
    variance = float(returns.var[0])
    return 0.0 if variance == 0.0 else 1.0 - float(left.var[0]) / variance


def merged(shards: F64, samples: int) -> RunningMoments:
    """The moments of a whole run from (S, 2) mean and variance of its shards, one after the other."""
    moments = RunningMoments(1)
    with np.errstate(all="ignore"):
        for mean, var in shards:
            moments.merge(samples, np.array([mean]), np.array([var]))
    return moments


class Minibatches:
    """Which samples each minibatch of an update has: of every shard the same slice of its own permutation.

    Attributes:
        epochs: passes over the samples.
        count: K, minibatches of an epoch.
        mean: (epochs, K) of the advantages of each minibatch, over all shards.
        scale: (epochs, K) one over their standard deviation.
    """

    def __init__(self, share: Share, seed: int, update: int, steps: int, epochs: int, size: int) -> None:
        """Draw the permutations of this member's shards.

        Args:
            share: which shards those are.
            seed: of the run.
            update: of which the streams are.
            steps: T.
            epochs: passes.
            size: wished samples of a minibatch over all shards. The minibatches of an epoch are as many as
                that needs, and differ by at most one sample per shard.
        """
        self._share, self.epochs = share, epochs
        self._samples = steps * share.shard_rows
        # Every shard has a part in every minibatch, so there are no more of them than samples of a shard.
        self.count = min(-(-self._samples * share.shards // size), self._samples)
        self._edges = [k * self._samples // self.count for k in range(self.count + 1)]
        self._rows = np.empty((epochs, len(share.mine), self._samples), np.int32)
        for at, shard in enumerate(share.mine):
            shuffle = stream(seed, Purpose.SHUFFLE, shard, update)
            for epoch in range(epochs):
                self._rows[epoch, at] = shuffle.permutation(self._samples)
        self._rows += (self._samples * np.arange(len(share.mine), dtype=np.int32))[:, None]
        self.mean: F64 = np.zeros((epochs, self.count))
        self.scale: F64 = np.ones((epochs, self.count))

    def of_each_shard(self, k: int) -> int:
        """How many samples of each shard are in minibatch k of an epoch."""
        return self._edges[k + 1] - self._edges[k]

    def rows(self, epoch: int, k: int) -> I32:
        """(C, -) positions among this member's samples, shard by shard."""
        return self._rows[epoch, :, self._edges[k] : self._edges[k + 1]]

    def sums(self, advantages: F32) -> F64:
        """(C, epochs, K, 2) sums of the advantages, and of their squares, of this member's shards."""
        found = np.empty((len(self._share.mine), self.epochs, self.count, 2))
        with np.errstate(all="ignore"):
            for epoch in range(self.epochs):
                for at in range(len(found)):
                    drawn = advantages[self._rows[epoch, at]].astype(np.float64)
                    found[at, epoch, :, 0] = np.add.reduceat(drawn, self._edges[:-1])
                    found[at, epoch, :, 1] = np.add.reduceat(np.square(drawn), self._edges[:-1])
        return found

    def normalize(self, sums: F64) -> None:
        """Take mean and spread of the advantages from the sums of all S shards, (S, epochs, K, 2)."""
        total = np.zeros(sums.shape[1:])
        with np.errstate(all="ignore"):
            for shard in sums:
                total += shard
            count = np.array([self.of_each_shard(k) * self._share.shards for k in range(self.count)])
            self.mean = total[..., 0] / count
            spread = total[..., 1] - count * np.square(self.mean)
            var = np.maximum(spread, 0.0) / np.maximum(count - 1, 1)
            self.scale = np.where(count > 1, 1.0 / (np.sqrt(var) + 1e-8), 1.0)
            self.mean[:, count == 1] = 0.0
