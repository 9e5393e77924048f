"""What learning computes, behind one interface with two implementations: NumPy and compiled kernels.

Same formulas in both (tests/kernels compares them); the bits differ between them, so the name of the one in
use is part of what a run reports. Within one, no result depends on how rows are spread over calls or over
workers: a row's action and value depend on that row alone, and a shard's gradient on that shard alone.
"""

from typing import Literal, Protocol

import numpy as np

from tabrl_py.config import PPOConfig
from tabrl_py.errors import ConfigError
from tabrl_py.nn import advantages, gaussian, kernels, ppo_loss
from tabrl_py.nn.acting import Acting
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.compiled import CompiledArithmetic
from tabrl_py.nn.kernels import CompiledAdam, CompiledMLP, Library
from tabrl_py.nn.mlp import MLP, Perceptron
from tabrl_py.nn.normalize import normalize
from tabrl_py.nn.optim import Adam, clip_norm
from tabrl_py.nn.ppo_loss import (
    KL_SLACK,
    SUMS,
    Minibatch,
    MinibatchFigures,
    Outcome,
    check_samples,
    check_shards,
)
from tabrl_py.types import F32, F64, I32, Bool, Float

Name = Literal["numpy", "compiled"]


class Arithmetic(Protocol):
    """The mathematics of PPO on the parameters of one ActorCritic.

    An update is: begin() once; then for each minibatch gradients() of the shards here, their sum over all
    shards (tree_sum, and whatever carries it between workers), and apply(), which moves the weights.

    Attributes:
        name: which implementation this is.
    """

    name: Name

    def act(self, obs: F32, noise: F32 | None, mean: F32 | None, scale: F32 | None, out: F32) -> F32:
        """Actions mean(obs) + exp(log_std) * noise, in units of the bounds and not clipped.

        Args:
            obs: (B, O) as the simulation gives them.
            noise: (B, A) standard normal draws; None for the mean action.
            mean: (O,) of the observation normaliser; None where there is none.
            scale: (O,) of the observation normaliser; None where there is none.
            out: (B, A) is overwritten.

        Returns:
            out.
        """
        ...

    def acting(self, mean: F32 | None, scale: F32 | None) -> Acting | None:
        """What act() would need to be called from elsewhere; None where only Python can act."""
        ...

    def values(self, obs: F32) -> F32:
        """(B,) values of normalised observations, (B, O)."""
        ...

    def gae(
        self,
        rewards: F32,
        values: F32,
        next_values: F32,
        terminated: Bool,
        truncated: Bool,
        gamma: float,
        lam: float,
    ) -> F32:
        """(T, N) advantages; see nn.advantages.gae. The same bits from every implementation."""
        ...

    def begin(self, obs: F32, actions: F32, old_log_prob: F32, advantages: F32, returns: F32) -> None:
        """Take the samples of an update, those of this member's shards; they must live until its end.

        Args:
            obs: (M, O) normalised.
            actions: (M, A) before clipping to the bounds.
            old_log_prob: (M,) under the policy that drew them.
            advantages: (M,) not normalised.
            returns: (M,) targets of the critic.
        """
        ...

    def gradients(
        self,
        rows: I32,
        counts: I32,
        adv_mean: float,
        adv_scale: float,
        samples: int,
        out: F32,
        figures: F64,
    ) -> None:
        """The shards' shares in the gradient of one minibatch, without the entropy term.

        Args:
            rows: (sum of counts,) positions in the samples of begin(), shard after shard.
            counts: (n_shards,) how many of the rows belong to each; 0 is allowed.
            adv_mean: subtracted from the advantages: 0 where they are not normalised.
            adv_scale: that they are then multiplied with: 1 where they are not normalised.
            samples: size of the minibatch over all shards of the run, these and the others'.
            out: (n_shards, P) is overwritten: sums over the shard's rows of d loss_i / samples.
            figures: (n_shards, 4) is overwritten: sums over the shard's rows, see ppo_loss.SUMS.

        Raises:
            IndexError: a row is not one of the samples.
            ValueError: samples is not positive, or rows and counts contradict each other.
        """
        ...

    def tree_sum(self, block: F32) -> F32:
        """The sum of (n, P) gradients by the fixed binary tree, into the first row; see ppo_loss.tree_sum."""
        ...

    def apply(
        self, grads: F32, figures: F64, samples: int, learning_rate: float
    ) -> tuple[Outcome, MinibatchFigures]:
        """The step of one minibatch: checks, entropy, gradient limit, Adam.

        Where a figure or the gradient is not finite the outcome is NOT_FINITE, else where the divergence is
        more than KL_SLACK * target_kl it is KL_STOP; weights, moments and step count are unchanged then.

        Args:
            grads: (P,) the sum over all shards; it is overwritten.
            figures: (4,) the sums over all shards.
            samples: size of the minibatch.
            learning_rate: of this step.

        Raises:
            ValueError: samples is not positive.
        """
        ...


class NumpyArithmetic:
    """See Arithmetic. The reference; in the dtype of the networks, which for tests may be float64."""

    name: Name = "numpy"

    def __init__(self, nets: ActorCritic, optimizer: Adam, config: PPOConfig) -> None:
        """Serve networks, whose optimiser has its moments and its count of steps moved on."""
        self._nets, self._optimizer, self._config = nets, optimizer, config
        self._samples: Minibatch | None = None

    def act(self, obs: Float, noise: Float | None, mean: Float | None, scale: Float | None, out: F32) -> F32:
        """See Arithmetic.act."""
        if mean is not None and scale is not None:
            obs = normalize(obs, mean, scale, np.empty_like(obs))
        out[...] = self._nets.actor.apply(obs)
        if noise is not None:
            out += noise * np.exp(self._nets.log_std)
        return out

    def acting(self, mean: Float | None, scale: Float | None) -> None:
        """See Arithmetic.acting."""

    def values(self, obs: Float) -> F32:
        """See Arithmetic.values."""
        return self._nets.critic.apply(obs)[:, 0]

    def gae(
        self,
        rewards: F32,
        values: F32,
        next_values: F32,
        terminated: Bool,
        truncated: Bool,
        gamma: float,
        lam: float,
    ) -> F32:
        """See Arithmetic.gae."""
        return advantages.gae(rewards, values, next_values, terminated, truncated, gamma, lam)

    def begin(
        self, obs: Float, actions: Float, old_log_prob: Float, advantages: Float, returns: Float
    ) -> None:
        """See Arithmetic.begin."""
        self._samples = Minibatch(obs, actions, old_log_prob, advantages, returns)

    def gradients(
        self,
        rows: I32,
        counts: I32,
        adv_mean: float,
        adv_scale: float,
        samples: int,
        out: Float,
        figures: F64,
    ) -> None:
        """See Arithmetic.gradients."""
        every = self._samples
        check_shards(rows, counts, samples, 0 if every is None else len(every.obs))
        assert every is not None
        at = 0
        for shard, count in enumerate(counts.tolist()):
            chosen = rows[at : at + count]
            at += count
            some = Minibatch(
                every.obs[chosen],
                every.actions[chosen],
                every.old_log_prob[chosen],
                (every.advantages[chosen] - adv_mean) * adv_scale,
                every.returns[chosen],
            )
            # What is not finite is found in apply(), over all shards.
            with np.errstate(all="ignore"):
                figures[shard] = ppo_loss.gradient_sums(
                    self._nets, some, self._config.clip_range, self._config.value_coef, samples, out[shard]
                )

    def tree_sum(self, block: Float) -> Float:
        """See Arithmetic.tree_sum."""
        with np.errstate(all="ignore"):
            return ppo_loss.tree_sum(block)

    def apply(
        self, grads: Float, figures: F64, samples: int, learning_rate: float
    ) -> tuple[Outcome, MinibatchFigures]:
        """See Arithmetic.apply."""
        nets, config = self._nets, self._config
        check_samples(samples)
        means = dict(zip(SUMS, (figures / samples).tolist(), strict=True))
        d_log_std = grads[nets.actor.params.size : nets.actor_size]
        if config.exploration == "annealed":
            d_log_std[...] = 0.0
        else:
            d_log_std -= config.entropy_coef
        with np.errstate(all="ignore"):
            norm = clip_norm(grads, config.max_grad_norm)
        outcome = Outcome.STEPPED
        if not np.isfinite([norm, *means.values()]).all():
            outcome = Outcome.NOT_FINITE
        elif config.target_kl and means["kl"] > KL_SLACK * config.target_kl:
            outcome = Outcome.KL_STOP
        else:
            self._optimizer.step(grads, learning_rate)
        return outcome, MinibatchFigures(
            policy_loss=means["policy_loss"],
            value_loss=means["value_loss"],
            kl=means["kl"],
            clip_fraction=means["clipped"],
            grad_norm=norm,
            entropy=gaussian.entropy(nets.log_std),
        )


def make_arithmetic(choice: str, nets: ActorCritic, optimizer: Adam, config: PPOConfig) -> Arithmetic:
    """The arithmetic that Recipe.kernels names: "auto" is the compiled one where it loads, else NumPy.

    Raises:
        ConfigError: the choice is neither "auto" nor "numpy".
    """
    library = _library(choice)
    if library is None or nets.params.dtype != np.float32:
        return NumpyArithmetic(nets, optimizer, config)
    return CompiledArithmetic(library, nets, optimizer, config)


def make_perceptron(choice: str, mlp: MLP) -> Perceptron:
    """The passes of any MLP by the arithmetic that Recipe.kernels names; see make_arithmetic."""
    library = _library(choice)
    return mlp if library is None or mlp.params.dtype != np.float32 else CompiledMLP(library, mlp)


def make_adam(choice: str, params: Float, epsilon: float = 1e-5) -> Adam:
    """Adam by the arithmetic that Recipe.kernels names, the same bits either way; see make_arithmetic."""
    library = _library(choice)
    if library is None or params.dtype != np.float32:
        return Adam(params, epsilon=epsilon)
    return CompiledAdam(library, params, epsilon)


def _library(choice: str) -> Library | None:
    if choice not in ("auto", "numpy"):
        raise ConfigError(f'kernels={choice!r} must be "auto" or "numpy"')
    return kernels.available() if choice == "auto" else None
