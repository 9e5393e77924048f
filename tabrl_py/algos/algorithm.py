"""What every learning algorithm does for the training loop, and the parts they share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tabrl_py.algos.rollout import Rollout
from tabrl_py.algos.shards import Share
from tabrl_py.errors import ConfigError
from tabrl_py.nn.acting import Acting
from tabrl_py.nn.arithmetic import Name
from tabrl_py.nn.normalize import ObsNormalizer
from tabrl_py.rng import Purpose, stream
from tabrl_py.types import F32, Float


@dataclass
class UpdateStats:
    """What an update did; the last one an update yields describes the whole of it.

    Attributes:
        kl: divergence of the new policy from the one that acted, nats, estimated by mean((r - 1) - log r).
        clip_fraction: share of samples whose ratio r left the clip range; 0 where nothing is clipped.
        explained_variance: 1 - var(return - value) / var(return), before the update.
        action_std: mean standard deviation of the exploration, in units of the bounds.
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
    action_std: float = 0.0
    epochs_run: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class Actor:
    """What acts deterministically, as a policy file holds it (policy/file.py: Policy).

    Attributes:
        sizes: units of each layer, O first, A last.
        activation: of the hidden layers.
        params: a copy of the network's parameters in MLP's order, then A log standard deviations.
        squash: see Policy.
        layer_norm: whether the sums of hidden layers are normalised.
    """

    sizes: tuple[int, ...]
    activation: str
    params: F32
    squash: str = "none"
    layer_norm: bool = False


class Algorithm(Protocol):
    """Acts, and learns from rollouts. algos/registry.py makes the one that a recipe names.

    A run goes: begin_rollout; act for each step; update, to its end; begin_rollout; and so on. When a run is
    shared by several workers each has an algorithm for its own rows, and all of them keep the same weights.

    Attributes:
        arithmetic: what computes.
        reward_discount: rewards are divided by the running spread of their sum discounted so; None: they
            are learned from as the task gives them.
        acts_on_rewards: whether act() reads the raw rewards of the steps before; else many steps are
            rewarded at once, by the end of the rollout.
    """

    arithmetic: Name
    reward_discount: float | None
    acts_on_rewards: bool

    def begin_rollout(
        self, rollout: Rollout, normalizer: ObsNormalizer | None, update: int, progress: float
    ) -> None:
        """Before the first step of a rollout, and again when a checkpoint of this moment is resumed.

        Args:
            rollout: empty.
            normalizer: of the observations; it stays as it is until the update is over. None where
                observations are not normalised.
            update: number of the update that this rollout is for, from 0; names random streams.
            progress: share of the run that is done, in [0, 1].
        """
        ...

    def act(self, t: int, obs: F32, out: F32) -> None:
        """Choose the actions of step t of the rollout.

        Args:
            t: from 0.
            obs: (N, O) of this member's rows, not normalised.
            out: (N, A) is overwritten with the actions in units of the bounds, before they are clipped.
        """
        ...

    def acting(self) -> Acting | None:
        """What act() of this rollout would need to be done without Python; None where it has to be called."""
        ...

    def update(
        self, rollout: Rollout, normalizer: ObsNormalizer | None, update: int, progress: float
    ) -> Iterator[UpdateStats | None]:
        """Learn from a full rollout; yields after each piece of work, so that a worker can listen in between.

        Yields None where it waits for the other members of the team.

        Args:
            rollout: full, its rewards scaled.
            normalizer: as it was while the rollout was made.
            update: as in begin_rollout.
            progress: as in begin_rollout.
        """
        ...

    def actor(self) -> Actor:
        """The present policy."""
        ...

    def load_actor(self, params: F32) -> None:
        """Begin with the parameters of an Actor of the same shape."""
        ...

    def state(self) -> dict[str, Float]:
        """What learning continues from, by name; scalars as arrays of shape (). Copied at every rollout."""
        ...

    def memory(self) -> dict[str, Float]:
        """What it also continues from, too large to copy at every rollout: as it was in begin_rollout."""
        ...

    def load_state(self, state: dict[str, Float]) -> None:
        """Put back what state() and memory() gave."""
        ...


def refuse_team(share: Share, algorithm: str) -> None:
    """Raise ConfigError where several workers share a run whose algorithm one must do by itself."""
    if share.team.members > 1:
        raise ConfigError(
            f"members={share.team.members}: {algorithm} is learned by one worker; start the run with one"
        )


def draw_noise(rollout: Rollout, share: Share, seed: int, update: int) -> None:
    """Fill a rollout's noise, each row of the run from its own stream."""
    steps, rows, actions = rollout.noise.shape
    drawn: F32 = np.empty((rows, steps, actions), np.float32)
    for row, out in zip(share.rows, drawn, strict=True):
        stream(seed, Purpose.ACTION, row, update).standard_normal(dtype=np.float32, out=out)
    rollout.noise[...] = drawn.swapaxes(0, 1)


def normalized(obs: F32, normalizer: ObsNormalizer | None) -> F32:
    """(B, O) observations as the networks see them, in a new array."""
    if normalizer is None:
        return obs.astype(np.float32)
    seen: F32 = normalizer.normalize(obs, np.empty(obs.shape, np.float32))
    return seen
