"""Proximal policy optimisation with a clipped objective (arXiv:1707.06347, eq. 7)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tabrl_py.algos.algorithm import UpdateStats, explained_variance, prepare_samples
from tabrl_py.algos.rollout import Rollout, gae
from tabrl_py.config import PPOConfig
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.gaussian import entropy, log_prob, log_prob_backward, standardise
from tabrl_py.nn.normalize import ObsNormalizer
from tabrl_py.nn.optim import Adam, clip_norm
from tabrl_py.rng import Purpose, stream
from tabrl_py.types import Float

KL_SLACK = 1.5
"""An update stops when the divergence of a minibatch exceeds this many times target_kl."""
ADAPT_FACTOR = 1.5
ADAPT_RANGE = (1e-5, 1e-2)


def ppo_policy_loss(
    new_log_prob: Float, old_log_prob: Float, advantages: Float, clip_range: float
) -> tuple[float, Float, Float]:
    """The clipped surrogate, to be minimised: -mean(min(r A, clip(r, 1 - c, 1 + c) A)), r = exp(new - old).

    Args:
        new_log_prob: (B,).
        old_log_prob: (B,).
        advantages: (B,).
        clip_range: c.

    Returns:
        the loss, (B,) its gradient by new_log_prob, and (B,) the ratios r.
    """
    ratio = np.exp(new_log_prob - old_log_prob)
    plain = ratio * advantages
    clipped = np.clip(ratio, 1.0 - clip_range, 1.0 + clip_range) * advantages
    loss = -float(np.mean(np.minimum(plain, clipped)))
    d_log_prob = np.where(plain <= clipped, plain, 0.0) / -len(ratio)
    return loss, d_log_prob.astype(new_log_prob.dtype, copy=False), ratio


def value_loss(values: Float, returns: Float) -> tuple[float, Float]:
    """mean((V - R)^2) and its gradient by V, (B,)."""
    error = values - returns
    return float(np.mean(error * error)), error * error.dtype.type(2.0 / len(error))


@dataclass(frozen=True)
class Minibatch:
    """Samples of one gradient step.

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


@dataclass(frozen=True)
class Figures:
    """What a minibatch says before its step."""

    policy_loss: float
    value_loss: float
    kl: float
    clip_fraction: float


def ppo_gradient(nets: ActorCritic, batch: Minibatch, config: PPOConfig) -> Figures:
    """Into nets.grads, the gradient of policy loss - entropy_coef * entropy + value_coef * value loss."""
    advantages = batch.advantages
    if config.normalize_advantage and len(advantages) > 1:
        advantages = (advantages - advantages.mean()) / (advantages.std(ddof=1) + 1e-8)
    mean = nets.actor.forward(batch.obs)
    z = standardise(batch.actions, mean, nets.log_std, np.empty_like(mean))
    new_log_prob = log_prob(z, nets.log_std)
    policy_loss, d_log_prob, ratio = ppo_policy_loss(
        new_log_prob, batch.old_log_prob, advantages, config.clip_range
    )
    d_mean = np.empty_like(mean)
    log_prob_backward(d_log_prob, z, nets.log_std, d_mean, nets.d_log_std)
    nets.actor.backward(d_mean, nets.d_actor)
    nets.d_log_std -= config.entropy_coef
    critic_loss, d_values = value_loss(nets.critic.forward(batch.obs)[:, 0], batch.returns)
    d_values *= config.value_coef
    nets.critic.backward(d_values[:, None], nets.d_critic)
    return Figures(
        policy_loss=policy_loss,
        value_loss=critic_loss,
        kl=float(np.mean((ratio - 1.0) - (new_log_prob - batch.old_log_prob))),
        clip_fraction=float(np.mean(np.abs(ratio - 1.0) > config.clip_range)),
    )


class PPO:
    """See Algorithm.

    Attributes:
        learning_rate: of the present update; adaptive schedules carry it from one to the next.
    """

    def __init__(self, config: PPOConfig, nets: ActorCritic, seed: int) -> None:
        """Learn nets, whose weights are already initialised."""
        self.config, self.nets, self.seed = config, nets, seed
        self.optimizer = Adam(nets.params)
        self.learning_rate = config.learning_rate

    def update(
        self, rollout: Rollout, normalizer: ObsNormalizer | None, update: int, progress: float
    ) -> Iterator[UpdateStats]:
        """See Algorithm.update."""
        config = self.config
        samples = prepare_samples(rollout, normalizer, self.nets)
        shape = (rollout.n_steps, rollout.n_envs)
        values = samples.values
        advantages = gae(
            rollout.rewards,
            values.reshape(shape),
            samples.next_values.reshape(shape),
            rollout.terminated,
            rollout.truncated,
            config.gamma,
            config.gae_lambda,
        ).ravel()
        returns = advantages + values
        actions = rollout.actions.reshape(len(values), -1)
        if config.lr_schedule == "linear":
            self.learning_rate = config.learning_rate * max(1.0 - progress, 0.0)
        totals = _Totals(explained_variance(values, returns), self.learning_rate)
        yield totals.stats()
        shuffle = stream(self.seed, Purpose.SHUFFLE, 0, update)
        for _ in range(config.n_epochs):
            order = shuffle.permutation(len(values))
            for at in range(0, len(order), config.minibatch_size):
                rows = order[at : at + config.minibatch_size]
                batch = Minibatch(
                    samples.obs[rows], actions[rows], samples.log_prob[rows], advantages[rows], returns[rows]
                )
                going_on = self._minibatch(batch, totals)
                if not going_on:
                    break
                yield totals.stats()
            else:
                totals.epochs += 1
                continue
            break
        if config.lr_schedule == "adaptive":
            self._adapt(totals.stats().kl)
        yield totals.stats()

    def _minibatch(self, batch: Minibatch, totals: "_Totals") -> bool:
        """One gradient step; False when the KL stop ends the update instead."""
        config, nets = self.config, self.nets
        figures = ppo_gradient(nets, batch, config)
        if config.target_kl and figures.kl > KL_SLACK * config.target_kl:
            totals.last_kl = figures.kl
            return False
        norm = clip_norm(nets.grads, config.max_grad_norm)
        if not np.isfinite(norm + figures.policy_loss + figures.value_loss):
            totals.skipped += 1
            return True
        self.optimizer.step(nets.grads, self.learning_rate)
        totals.add(figures, entropy(nets.log_std), norm)
        return True

    def _adapt(self, kl: float) -> None:
        """Keep the divergence of an update near target_kl (0.01 when there is no KL stop)."""
        target = self.config.target_kl or 0.01
        if kl > 2.0 * target:
            self.learning_rate = max(self.learning_rate / ADAPT_FACTOR, ADAPT_RANGE[0])
        elif kl < 0.5 * target:
            self.learning_rate = min(self.learning_rate * ADAPT_FACTOR, ADAPT_RANGE[1])

    def state(self) -> dict[str, Float]:
        """See Algorithm.state."""
        adam = self.optimizer
        return {
            "params": self.nets.params,
            "adam_m": adam.m,
            "adam_v": adam.v,
            "adam_count": np.array(float(adam.step_count)),
            "learning_rate": np.array(self.learning_rate),
        }

    def load_state(self, state: dict[str, Float]) -> None:
        """See Algorithm.load_state."""
        self.nets.params[...] = state["params"]
        self.optimizer.m[...] = state["adam_m"]
        self.optimizer.v[...] = state["adam_v"]
        self.optimizer.step_count = int(state["adam_count"])
        self.learning_rate = float(state["learning_rate"])


class _Totals:
    """Means over the minibatches of an update."""

    def __init__(self, explained: float, learning_rate: float) -> None:
        self.explained, self.learning_rate = explained, learning_rate
        self.sums = np.zeros(5)
        self.count = self.epochs = self.skipped = 0
        self.last_kl = 0.0

    def add(self, figures: Figures, entropy_nats: float, norm: float) -> None:
        self.sums += (figures.policy_loss, figures.value_loss, entropy_nats, figures.clip_fraction, norm)
        self.last_kl = figures.kl
        self.count += 1

    def stats(self) -> UpdateStats:
        means = [float(x) for x in self.sums / max(self.count, 1)]
        policy, value, entropy_nats, clipped, norm = means
        return UpdateStats(
            policy_loss=policy,
            value_loss=value,
            entropy=entropy_nats,
            kl=self.last_kl,
            clip_fraction=clipped,
            explained_variance=self.explained,
            learning_rate=self.learning_rate,
            grad_norm=norm,
            epochs_run=self.epochs,
            skipped=self.skipped,
        )
