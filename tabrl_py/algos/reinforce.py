"""REINFORCE with reward-to-go and a learned baseline (Williams 1992; Sutton & Barto 2018, sec. 13.4).

One gradient step of the policy per rollout: the shortest honest policy gradient.
"""

from collections.abc import Iterator

import numpy as np

from tabrl_py.algos.algorithm import Actor, UpdateStats, draw_noise
from tabrl_py.algos.gradient_sum import GradientSum
from tabrl_py.algos.rollout import Rollout
from tabrl_py.algos.samples import Minibatches, Samples, explained_variance, merged, prepare_samples
from tabrl_py.algos.shards import Share
from tabrl_py.config import PPOConfig, Recipe, ReinforceConfig
from tabrl_py.nn.acting import Acting
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.arithmetic import make_arithmetic
from tabrl_py.nn.gaussian import entropy, log_prob, log_prob_backward, standardise
from tabrl_py.nn.normalize import ObsNormalizer
from tabrl_py.nn.optim import Adam, clip_norm
from tabrl_py.types import F32, Float

CHUNK = 2048
"""Samples per piece of work, of one shard or of all: the worker listens to the page between two pieces."""


def reinforce_loss(new_log_prob: Float, advantages: Float, total: int) -> tuple[float, Float]:
    """-sum(log pi(a|s) A) / total and its gradient by log pi, (B,); total is the size of the whole batch."""
    d_log_prob = advantages / -total
    return float(np.sum(new_log_prob * d_log_prob)), d_log_prob.astype(new_log_prob.dtype, copy=False)


def policy_gradient(
    nets: ActorCritic, obs: Float, actions: Float, advantages: Float, total: int, d_policy: Float
) -> float:
    """Add the gradient of reinforce_loss over some samples to that of the actor and the log_std.

    Args:
        nets: the networks.
        obs: (B, O) normalised.
        actions: (B, A).
        advantages: (B,) normalised.
        total: size of the whole batch.
        d_policy: (actor_size,) is added to.

    Returns:
        the loss of these samples.
    """
    mean = nets.actor.forward(obs)
    z = standardise(actions, mean, nets.log_std, np.empty_like(mean))
    new_log_prob = log_prob(z, nets.log_std)
    loss, d_log_prob = reinforce_loss(new_log_prob, advantages, total)
    d_mean = np.empty_like(mean)
    log_prob_backward(d_log_prob, z, nets.log_std, d_mean, nets.d_log_std)
    nets.actor.backward(d_mean, nets.d_actor)
    d_policy += nets.grads[: nets.actor_size]
    return loss


class Reinforce:
    """See Algorithm.

    Attributes:
        nets: what is learned.
    """

    def __init__(self, recipe: Recipe, nets: ActorCritic, share: Share | None = None) -> None:
        """Learn nets, whose weights are already initialised.

        Args:
            recipe: of REINFORCE.
            nets: alike on every member.
            share: this member's; without one, the whole run.
        """
        config = recipe.algo
        assert isinstance(config, ReinforceConfig)
        self.config, self.nets, self._recipe = config, nets, recipe
        self._share = Share(recipe.n_envs) if share is None else share
        self.optimizer = Adam(nets.params[: nets.actor_size])
        self.baseline_optimizer = Adam(nets.params[nets.actor_size :])
        # The settings are of its PPO steps, which nobody asks for here.
        self._arithmetic = make_arithmetic(recipe.kernels, nets, Adam(nets.params), PPOConfig())
        self.arithmetic = self._arithmetic.name
        self.reward_discount = config.gamma if config.scale_reward else None
        self.acts_on_rewards = False
        tree_sum = self._arithmetic.tree_sum
        self._policy_sum = GradientSum(self._share, tree_sum, nets.actor_size)
        self._baseline_sum = GradientSum(self._share, tree_sum, nets.critic.params.size)

    def begin_rollout(
        self, rollout: Rollout, normalizer: ObsNormalizer | None, update: int, progress: float
    ) -> None:
        """See Algorithm.begin_rollout."""
        draw_noise(rollout, self._share, self._recipe.seed, update)
        self._noise = rollout.noise
        self._mean = None if normalizer is None else normalizer.mean
        self._scale = None if normalizer is None else normalizer.scale

    def act(self, t: int, obs: F32, out: F32) -> None:
        """See Algorithm.act."""
        self._arithmetic.act(obs, self._noise[t], self._mean, self._scale, out)

    def acting(self) -> Acting | None:
        """See Algorithm.acting."""
        return self._arithmetic.acting(self._mean, self._scale)

    def update(
        self, rollout: Rollout, normalizer: ObsNormalizer | None, update: int, progress: float
    ) -> Iterator[UpdateStats | None]:
        """See Algorithm.update."""
        share = self._share
        samples = prepare_samples(
            rollout, normalizer, share, self._arithmetic, self.nets.log_std, self.config.gamma, 1.0
        )
        of_each = rollout.n_steps * share.shard_rows
        found = yield from share.gather({"explained": samples.explained})
        stats = UpdateStats(
            explained_variance=explained_variance(found["explained"], of_each),
            learning_rate=self.config.learning_rate,
            entropy=entropy(self.nets.log_std),
        )
        yield stats
        moments = merged(found["explained"][:, 2:], of_each)
        with np.errstate(all="ignore"):  # what is not finite is found before the step
            spread = np.sqrt(moments.var[0]) + 1e-8
            samples.advantages = ((samples.advantages - moments.mean[0]) / spread).astype(np.float32)
        yield from self._improve_policy(samples, stats)
        batches = Minibatches(
            share, self._recipe.seed, update, rollout.n_steps, self.config.baseline_epochs, CHUNK
        )
        yield from self._fit_baseline(samples, batches, stats)

    def _improve_policy(self, samples: Samples, stats: UpdateStats) -> Iterator[UpdateStats | None]:
        """One step along the gradient of the whole rollout."""
        nets, share, sums = self.nets, self._share, self._policy_sum
        of_each = len(samples.log_prob) // len(share.mine)
        sums.leaves[...], sums.figures[...] = 0.0, 0.0
        for at in range(len(share.mine)):
            for start in range(at * of_each, (at + 1) * of_each, CHUNK):
                part = slice(start, min(start + CHUNK, (at + 1) * of_each))
                chosen = (samples.obs[part], samples.actions[part], samples.advantages[part])
                with np.errstate(all="ignore"):  # what is not finite is found before the step
                    loss = policy_gradient(nets, *chosen, of_each * share.shards, sums.leaves[at])
                sums.figures[at, 0] += loss
                yield stats
        gradient, figures = yield from sums.total()
        stats.policy_loss = float(figures[0])
        gradient[-nets.log_std.size :] -= self.config.entropy_coef
        with np.errstate(all="ignore"):
            stats.grad_norm = clip_norm(gradient, self.config.max_grad_norm)
        if np.isfinite(stats.grad_norm + stats.policy_loss):
            self.optimizer.step(gradient, self.config.learning_rate)
        else:
            stats.skipped += 1
        found = yield from share.gather({"kl": self._divergence(samples, of_each)})
        stats.kl = float(np.sum(found["kl"]) / share.shards)
        stats.action_std = float(np.mean(np.exp(nets.log_std)))
        stats.epochs_run = 1
        yield stats

    def _divergence(self, samples: Samples, of_each: int) -> Float:
        """(C,) mean((r - 1) - log r) over the first samples of each shard, after the step."""
        nets, count = self.nets, min(of_each, max(CHUNK // self._share.shards, 1))
        means = []
        for at in range(len(self._share.mine)):
            part = slice(at * of_each, at * of_each + count)
            mean = nets.actor.forward(samples.obs[part])
            z = standardise(samples.actions[part], mean, nets.log_std, np.empty_like(mean))
            log_ratio = log_prob(z, nets.log_std) - samples.log_prob[part]
            means.append(np.mean(np.expm1(log_ratio) - log_ratio, dtype=np.float64))
        return np.array(means)

    def _fit_baseline(
        self, samples: Samples, batches: Minibatches, stats: UpdateStats
    ) -> Iterator[UpdateStats | None]:
        """Minibatch steps of the critic towards the returns."""
        config, losses = self.config, []
        for epoch in range(config.baseline_epochs):
            for k in range(batches.count):
                count = batches.of_each_shard(k) * self._share.shards
                for at, rows in enumerate(batches.rows(epoch, k)):
                    with np.errstate(all="ignore"):  # what is not finite is found before the step
                        self._baseline_gradient(samples.obs[rows], samples.returns[rows], count, at)
                gradient, figures = yield from self._baseline_sum.total()
                loss = float(figures[0]) / count
                with np.errstate(all="ignore"):
                    norm = clip_norm(gradient, config.max_grad_norm)
                if np.isfinite(loss + norm):
                    self.baseline_optimizer.step(gradient, config.baseline_learning_rate)
                    losses.append(loss)
                else:
                    stats.skipped += 1
                stats.value_loss = float(np.mean(losses)) if losses else 0.0
                yield stats

    def _baseline_gradient(self, obs: F32, returns: F32, total: int, at: int) -> None:
        """Into leaf `at`, the gradient of the mean of (V - R)^2 over a minibatch of `total` samples."""
        sums, critic = self._baseline_sum, self.nets.critic
        error = critic.forward(obs)[:, 0] - returns
        critic.backward((error * np.float32(2.0 / total))[:, None], sums.leaves[at])
        sums.figures[at, 0] = np.square(error, dtype=np.float64).sum()

    def actor(self) -> Actor:
        """See Algorithm.actor."""
        nets, mlp = self.nets, self.nets.actor
        params = nets.params[: nets.actor_size].copy()
        return Actor(mlp.sizes, mlp.activation, params, layer_norm=mlp.layer_norm)

    def load_actor(self, params: F32) -> None:
        """See Algorithm.load_actor."""
        self.nets.params[: self.nets.actor_size] = params

    def state(self) -> dict[str, Float]:
        """See Algorithm.state."""
        actor, baseline = self.optimizer, self.baseline_optimizer
        return {
            "params": self.nets.params,
            "adam_m": actor.m,
            "adam_v": actor.v,
            "adam_count": np.array(float(actor.step_count)),
            "baseline_adam_m": baseline.m,
            "baseline_adam_v": baseline.v,
            "baseline_adam_count": np.array(float(baseline.step_count)),
        }

    def memory(self) -> dict[str, Float]:
        """See Algorithm.memory."""
        return {}

    def load_state(self, state: dict[str, Float]) -> None:
        """See Algorithm.load_state."""
        self.nets.params[...] = state["params"]
        for prefix, adam in (("", self.optimizer), ("baseline_", self.baseline_optimizer)):
            adam.m[...] = state[f"{prefix}adam_m"]
            adam.v[...] = state[f"{prefix}adam_v"]
            adam.step_count = int(state[f"{prefix}adam_count"])
