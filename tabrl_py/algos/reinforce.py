"""REINFORCE with reward-to-go and a learned baseline (Williams 1992; Sutton & Barto 2018, sec. 13.4).

One gradient step of the policy per rollout: the shortest honest policy gradient.
"""

from collections.abc import Iterator

import numpy as np

from tabrl_py.algos.algorithm import UpdateStats, explained_variance, prepare_samples
from tabrl_py.algos.ppo import value_loss
from tabrl_py.algos.rollout import Rollout, gae
from tabrl_py.config import ReinforceConfig
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.nn.gaussian import entropy, log_prob, log_prob_backward, standardise
from tabrl_py.nn.normalize import ObsNormalizer
from tabrl_py.nn.optim import Adam, clip_norm
from tabrl_py.rng import Purpose, stream
from tabrl_py.types import Float

CHUNK = 2048
"""Samples per piece of work: the worker listens to the page between two pieces."""


def reinforce_loss(new_log_prob: Float, advantages: Float, total: int) -> tuple[float, Float]:
    """-sum(log pi(a|s) A) / total and its gradient by log pi, (B,); total is the size of the whole batch."""
    d_log_prob = advantages / -total
    return float(np.sum(new_log_prob * d_log_prob)), d_log_prob.astype(new_log_prob.dtype, copy=False)


class Reinforce:
    """See Algorithm.

    Attributes:
        d_policy: gradient of the actor's weights and log_std, summed over the rollout.
    """

    def __init__(self, config: ReinforceConfig, nets: ActorCritic, seed: int) -> None:
        """Learn nets, whose weights are already initialised."""
        self.config, self.nets, self.seed = config, nets, seed
        self.d_policy: Float = np.zeros(nets.actor_size, nets.params.dtype)
        self.optimizer = Adam(nets.params[: nets.actor_size])
        self.baseline_optimizer = Adam(nets.params[nets.actor_size :])

    def update(
        self, rollout: Rollout, normalizer: ObsNormalizer | None, update: int, progress: float
    ) -> Iterator[UpdateStats]:
        """See Algorithm.update."""
        samples = prepare_samples(rollout, normalizer, self.nets)
        shape = (rollout.n_steps, rollout.n_envs)
        advantages = gae(
            rollout.rewards,
            samples.values.reshape(shape),
            samples.next_values.reshape(shape),
            rollout.terminated,
            rollout.truncated,
            self.config.gamma,
            1.0,
        ).ravel()
        returns = advantages + samples.values
        stats = UpdateStats(
            explained_variance=explained_variance(samples.values, returns),
            learning_rate=self.config.learning_rate,
            entropy=entropy(self.nets.log_std),
        )
        yield stats
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        actions = rollout.actions.reshape(len(returns), -1)
        yield from self._improve_policy(samples.obs, actions, advantages, samples.log_prob, stats)
        yield from self._fit_baseline(samples.obs, returns, update, stats)

    def policy_gradient(
        self, obs: Float, actions: Float, advantages: Float, stats: UpdateStats
    ) -> Iterator[UpdateStats]:
        """Sum the gradient of the loss and of the entropy bonus into d_policy, piece by piece."""
        nets, total = self.nets, len(obs)
        self.d_policy[...] = 0.0
        self.d_policy[-nets.log_std.size :] = -self.config.entropy_coef
        for at in range(0, total, CHUNK):
            part = slice(at, at + CHUNK)
            mean = nets.actor.forward(obs[part])
            z = standardise(actions[part], mean, nets.log_std, np.empty_like(mean))
            new_log_prob = log_prob(z, nets.log_std)
            loss, d_log_prob = reinforce_loss(new_log_prob, advantages[part], total)
            d_mean = np.empty_like(mean)
            log_prob_backward(d_log_prob, z, nets.log_std, d_mean, nets.d_log_std)
            nets.actor.backward(d_mean, nets.d_actor)
            self.d_policy += nets.grads[: nets.actor_size]
            stats.policy_loss += loss
            yield stats

    def _improve_policy(
        self, obs: Float, actions: Float, advantages: Float, old_log_prob: Float, stats: UpdateStats
    ) -> Iterator[UpdateStats]:
        """One step along the gradient of the whole rollout."""
        yield from self.policy_gradient(obs, actions, advantages, stats)
        stats.grad_norm = clip_norm(self.d_policy, self.config.max_grad_norm)
        if np.isfinite(stats.grad_norm + stats.policy_loss):
            self.optimizer.step(self.d_policy, self.config.learning_rate)
        else:
            stats.skipped += 1
        stats.kl = self._divergence(obs, actions, old_log_prob)
        stats.epochs_run = 1
        yield stats

    def _divergence(self, obs: Float, actions: Float, old_log_prob: Float) -> float:
        """mean((r - 1) - log r) over the first chunk, after the step."""
        part = slice(0, CHUNK)
        nets = self.nets
        mean = nets.actor.forward(obs[part])
        z = standardise(actions[part], mean, nets.log_std, np.empty_like(mean))
        log_ratio = log_prob(z, nets.log_std) - old_log_prob[part]
        return float(np.mean(np.expm1(log_ratio) - log_ratio))

    def _fit_baseline(
        self, obs: Float, returns: Float, update: int, stats: UpdateStats
    ) -> Iterator[UpdateStats]:
        nets, config = self.nets, self.config
        shuffle = stream(self.seed, Purpose.SHUFFLE, 0, update)
        grads = nets.d_critic
        losses = []
        for _ in range(config.baseline_epochs):
            order = shuffle.permutation(len(obs))
            for at in range(0, len(order), CHUNK):
                rows = order[at : at + CHUNK]
                loss, d_values = value_loss(nets.critic.forward(obs[rows])[:, 0], returns[rows])
                nets.critic.backward(d_values[:, None], nets.d_critic)
                norm = clip_norm(grads, config.max_grad_norm)
                if np.isfinite(loss + norm):
                    self.baseline_optimizer.step(grads, config.baseline_learning_rate)
                    losses.append(loss)
                else:
                    stats.skipped += 1
                stats.value_loss = float(np.mean(losses)) if losses else 0.0
                yield stats

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

    def load_state(self, state: dict[str, Float]) -> None:
        """See Algorithm.load_state."""
        self.nets.params[...] = state["params"]
        for prefix, adam in (("", self.optimizer), ("baseline_", self.baseline_optimizer)):
            adam.m[...] = state[f"{prefix}adam_m"]
            adam.v[...] = state[f"{prefix}adam_v"]
            adam.step_count = int(state[f"{prefix}adam_count"])
