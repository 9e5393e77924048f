"""What every learning algorithm does for the training loop, and the parts they share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tabrl_py.algos.rollout import Rollout
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.normalize import ObsNormalizer
from tabrl_py.types import F32, Float


@dataclass
class UpdateStats:
    """What an update did; the last one an update yields describes the whole of it.

    Attributes:
        kl: divergence of the new policy from the one that acted, nats, estimated by mean((r - 1) - log r).
        clip_fraction: share of samples whose ratio r left the clip range; 0 where nothing is clipped.
        explained_variance: 1 - var(return - value) / var(return), before the update.
        skipped: minibatches left out because a loss or gradient was not finite.
    """

    policy_loss: float = 0.0
    value_loss: float = 0.0
    entropy: float = 0.0
    kl: float = 0.0
    clip_fraction: float = 0.0
    explained_variance: float = 0.0
    learning_rate: float = 0.0
    grad_norm: float = 0.0
    epochs_run: int = 0
    skipped: int = 0


class Algorithm(Protocol):
    """Learns the parameters of an ActorCritic from rollouts."""

    nets: ActorCritic

    def update(
        self, rollout: Rollout, normalizer: ObsNormalizer | None, update: int, progress: float
    ) -> Iterator[UpdateStats]:
        """Learn from a full rollout; yields after each piece of work, so that a worker can listen in between.

        Args:
            rollout: full, its rewards scaled.
            normalizer: as it was while the rollout was made; None where observations are not normalised.
            update: number of this update, from 0; names its random stream.
            progress: share of the run that was done before this rollout, in [0, 1].
        """
        ...

    def state(self) -> dict[str, Float]:
        """Everything that learning continues from, by name; scalars as arrays of shape ()."""
        ...

    def load_state(self, state: dict[str, Float]) -> None:
        """Put back what state() gave."""
        ...


@dataclass
class Samples:
    """A rollout as learning needs it, (B, ...) with B = T N.

    Attributes:
        obs: (B, O) normalised.
        values: (B,) V of each state, by the critic before the update.
        next_values: (B,) V of the true next state; of truncated episodes the one before the reset.
        log_prob: (B,) of the actions, under the policy that drew them.
    """

    obs: F32
    values: F32
    next_values: F32
    log_prob: F32


def normalized(obs: F32, normalizer: ObsNormalizer | None) -> F32:
    """(B, O) observations as the networks see them, in a new array."""
    if normalizer is None:
        return obs.astype(np.float32)
    seen: F32 = normalizer.normalize(obs, np.empty(obs.shape, np.float32))
    return seen


def prepare_samples(rollout: Rollout, normalizer: ObsNormalizer | None, nets: ActorCritic) -> Samples:
    """Normalise a rollout's observations, value them, and compute the log-probabilities of its actions."""
    steps, n = rollout.n_steps, rollout.n_envs
    obs = normalized(rollout.obs.reshape(steps * n, -1), normalizer)
    values = nets.values(obs).reshape(steps, n)
    next_values = np.empty_like(values)
    next_values[:-1] = values[1:]
    next_values[-1] = nets.values(normalized(rollout.last_obs, normalizer))
    if rollout.final_obs:
        at_t, at_n, finals = zip(*rollout.final_obs, strict=True)
        next_values[list(at_t), list(at_n)] = nets.values(normalized(np.stack(finals), normalizer))
    noise = rollout.noise.reshape(steps * n, -1)
    constant = float(np.sum(nets.log_std)) + 0.5 * np.log(2.0 * np.pi) * noise.shape[1]
    log_prob = -0.5 * np.einsum("ba,ba->b", noise, noise) - np.float32(constant)
    return Samples(obs, values.ravel(), next_values.ravel(), log_prob)


def explained_variance(values: Float, returns: Float) -> float:
    """1 - var(returns - values) / var(returns); 0 where the returns do not vary."""
    variance = float(np.var(returns))
    return 0.0 if variance == 0.0 else 1.0 - float(np.var(returns - values)) / variance
