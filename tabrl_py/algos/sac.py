"""Soft actor-critic with two critics, their slow copies and a learned temperature (arXiv:1812.05905).

The formulas are in nn/sac_loss.py; this is the order in which they are used, that of Stable-Baselines3.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from tabrl_py.algos.algorithm import Actor, UpdateStats, draw_noise, normalized, refuse_team
from tabrl_py.algos.replay import ReplayBuffer
from tabrl_py.algos.rollout import Rollout
from tabrl_py.algos.shards import Share
from tabrl_py.config import Recipe, SACConfig
from tabrl_py.nn.arithmetic import Name, make_adam
from tabrl_py.nn.normalize import ObsNormalizer
from tabrl_py.nn.sac_loss import (
    Transitions,
    actor_gradient,
    critic_gradient,
    critic_targets,
    temperature_gradient,
)
from tabrl_py.nn.soft_actor_critic import SoftActorCritic
from tabrl_py.rng import Purpose, stream
from tabrl_py.types import F32, Float

ADAM_EPSILON = 1e-8


@dataclass(frozen=True)
class Figures:
    """What a gradient step says of its minibatch, before the step.

    Attributes:
        policy_loss: mean(temperature log p - min Q).
        value_loss: mean of both critics' squared errors, halved and summed.
        entropy: -mean(log p), nats.
        explained_variance: 1 - var(target - Q) / var(target), of the first critic.
        grad_norm: of the critics' gradient.
        temperature: the weight of the entropy.
        log_std: (A,) mean log standard deviation, before squashing.
    """

    policy_loss: float
    value_loss: float
    entropy: float
    explained_variance: float
    grad_norm: float
    temperature: float
    log_std: Float


class Steps:
    """Gradient steps on the networks.

    Attributes:
        nets: what learns.
        count: gradient steps made or left out.
        target_entropy: that the temperature keeps the policy's entropy at, nats.
    """

    def __init__(self, config: SACConfig, nets: SoftActorCritic, kernels: str = "numpy") -> None:
        """Learn nets, whose weights are already initialised; `kernels` is Recipe.kernels."""
        self._config, self.nets = config, nets
        self.target_entropy = config.target_entropy * nets.action_size
        self.count = 0
        self._optimizers = {
            "actor_": make_adam(kernels, nets.actor.params, ADAM_EPSILON),
            "critic_": make_adam(kernels, nets.both_critics, ADAM_EPSILON),
            "temperature_": make_adam(kernels, nets.log_temperature, ADAM_EPSILON),
        }

    def step(self, batch: Transitions, noise: Float) -> Figures | None:
        """Critics, then actor and temperature, then targets; ends before the first part that is not finite.

        Args:
            batch: observations normalised.
            noise: (2, B, A) standard normal draws: for the actor's actions, and for those that follow.

        Returns:
            None where it ended so.
        """
        nets, config = self.nets, self._config
        temperature = float(np.exp(nets.log_temperature[0]))
        self.count += 1
        with np.errstate(all="ignore"):
            targets = critic_targets(nets, batch, noise[1], temperature, config.gamma)
            value_loss, said = critic_gradient(nets, batch, targets)
            norm = _length(nets.d_both_critics)
        if not np.isfinite(value_loss + norm):
            return None
        self._optimizers["critic_"].step(nets.d_both_critics, config.learning_rate)
        with np.errstate(all="ignore"):
            policy_loss, drawn = actor_gradient(nets, batch.obs, noise[0], temperature)
            finite = bool(np.isfinite(policy_loss + _length(nets.d_actor)))
        if not finite:
            return None
        self._optimizers["actor_"].step(nets.d_actor, config.learning_rate)
        if config.temperature == "automatic":
            nets.d_log_temperature[0] = temperature_gradient(drawn.log_prob, self.target_entropy)
            self._optimizers["temperature_"].step(nets.d_log_temperature, config.learning_rate)
        nets.targets *= 1.0 - config.tau
        nets.targets += nets.both_critics * nets.targets.dtype.type(config.tau)
        variance = float(np.var(targets))
        return Figures(
            policy_loss=policy_loss,
            value_loss=value_loss,
            entropy=-float(np.mean(drawn.log_prob)),
            explained_variance=0.0 if variance == 0.0 else 1.0 - float(np.var(targets - said)) / variance,
            grad_norm=norm,
            temperature=temperature,
            log_std=np.log(drawn.std).mean(axis=0),
        )

    def state(self) -> dict[str, Float]:
        """Everything that learning continues from, by name; scalars as arrays of shape ()."""
        state: dict[str, Float] = {
            "params": self.nets.params,
            "targets": self.nets.targets,
            "gradient_steps": np.array(float(self.count)),
        }
        for prefix, adam in self._optimizers.items():
            state |= {f"{prefix}adam_m": adam.m, f"{prefix}adam_v": adam.v}
            state[f"{prefix}adam_count"] = np.array(float(adam.step_count))
        return state

    def load_state(self, state: dict[str, Float]) -> None:
        """Put back what state() gave."""
        self.nets.params[...] = state["params"]
        self.nets.targets[...] = state["targets"]
        self.count = int(state["gradient_steps"])
        for prefix, adam in self._optimizers.items():
            adam.m[...], adam.v[...] = state[f"{prefix}adam_m"], state[f"{prefix}adam_v"]
            adam.step_count = int(state[f"{prefix}adam_count"])


class SAC:
    """See Algorithm. After a rollout come the gradient steps that are due for all control steps so far.

    Attributes:
        nets: what is learned.
        steps: the gradient steps.
        buffer: the transitions it learns from.
    """

    arithmetic: Name
    reward_discount: float | None = None
    acts_on_rewards = False

    def __init__(self, recipe: Recipe, obs_size: int, action_size: int, share: Share | None = None) -> None:
        """Networks with their first weights, and an empty memory.

        Raises:
            ConfigError: the memory would be too large, or there is a team.
        """
        config, network = recipe.algo, recipe.network
        assert isinstance(config, SACConfig)
        self._share = Share(recipe.n_envs) if share is None else share
        refuse_team(self._share, "sac")
        self.config, self._seed = config, recipe.seed
        self.nets = SoftActorCritic(
            *(obs_size, action_size, network.hidden, network.activation),
            layer_norm=network.layer_norm,
            kernels=recipe.kernels,
        )
        self.arithmetic, self._network = self.nets.arithmetic, network
        self.nets.init(recipe.seed, network.init_log_std, config.init_temperature)
        self.steps = Steps(config, self.nets, recipe.kernels)
        self.buffer = ReplayBuffer(config.buffer_size, obs_size, action_size)
        self._log_std: F32 = np.full(action_size, network.init_log_std, np.float32)

    def begin_rollout(
        self, rollout: Rollout, normalizer: ObsNormalizer | None, update: int, progress: float
    ) -> None:
        """See Algorithm.begin_rollout."""
        self.buffer.mark()
        self._noise, self._normalizer = rollout.noise, normalizer
        steps = rollout.n_steps
        # Steps of this rollout before which fewer control steps were taken than are random.
        due = -(-self.config.warmup_steps // rollout.n_envs) - update * steps
        self._random = min(max(due, 0), steps)
        draw_noise(rollout, self._share, self._seed, update)
        if self._random:
            shape = (steps, rollout.noise.shape[2])
            for row in range(rollout.n_envs):
                rng = stream(self._seed, Purpose.WARMUP, row, update)
                uniform = rng.random(shape, np.float32)[: self._random]
                rollout.noise[: self._random, row] = 2.0 * uniform - 1.0

    def act(self, t: int, obs: F32, out: F32) -> None:
        """See Algorithm.act."""
        if t < self._random:
            out[...] = self._noise[t]
        else:
            out[...] = self.nets.draw(normalized(obs, self._normalizer), self._noise[t]).action

    def acting(self) -> None:
        """See Algorithm.acting: the draw is squashed."""

    def update(
        self, rollout: Rollout, normalizer: ObsNormalizer | None, update: int, progress: float
    ) -> Iterator[UpdateStats | None]:
        """See Algorithm.update."""
        self._remember(rollout)
        taken = (update + 1) * rollout.n_steps * rollout.n_envs - self.config.warmup_steps
        due = int(self.config.updates_per_step * max(taken, 0))
        totals = _Totals(self.config.learning_rate, float(np.mean(np.exp(self._log_std))))
        yield totals.stats()
        while self.steps.count < due:
            figures = self._step(normalizer)
            if figures is not None:
                self._log_std[...] = figures.log_std
            totals.add(figures)
            yield totals.stats()

    def _step(self, normalizer: ObsNormalizer | None) -> Figures | None:
        """One gradient step on remembered transitions, drawn from the step's own stream."""
        size = self.config.minibatch_size
        rng = stream(self._seed, Purpose.REPLAY, 0, self.steps.count)
        batch = self.buffer.at(rng.integers(0, self.buffer.count, size))
        noise = rng.standard_normal((2, size, self.nets.action_size), np.float32)
        if normalizer is not None:
            batch = replace(
                batch,
                obs=normalizer.normalize(batch.obs, batch.obs),
                next_obs=normalizer.normalize(batch.next_obs, batch.next_obs),
            )
        return self.steps.step(batch, noise)

    def _remember(self, rollout: Rollout) -> None:
        """Put a full rollout into the memory, each step with its true next observation.

        Of an episode that terminated the next observation is that of another one; it is never looked at.
        """
        following = np.concatenate([rollout.obs[1:], rollout.last_obs[None]])
        for t, row, obs in rollout.final_obs:
            following[t, row] = obs
        n, (obs_size, action_size) = following[..., 0].size, (self.nets.obs_size, self.nets.action_size)
        self.buffer.add(
            rollout.obs.reshape(n, obs_size),
            rollout.actions.reshape(n, action_size),
            rollout.rewards.ravel(),
            following.reshape(n, obs_size),
            rollout.terminated.ravel(),
        )

    def actor(self) -> Actor:
        """See Algorithm.actor."""
        sizes = (*self.nets.actor.sizes[:-1], self.nets.action_size)
        params = self.nets.policy_params(self._log_std)
        return Actor(
            sizes, self._network.activation, params, squash="tanh", layer_norm=self._network.layer_norm
        )

    def load_actor(self, params: F32) -> None:
        """See Algorithm.load_actor."""
        self.nets.load_policy_params(params)
        self._log_std[...] = params[-self.nets.action_size :]

    def state(self) -> dict[str, Float]:
        """See Algorithm.state."""
        return {**self.steps.state(), "log_std": self._log_std}

    def memory(self) -> dict[str, Float]:
        """See Algorithm.memory."""
        return {f"buffer_{name}": value for name, value in self.buffer.state().items()}

    def load_state(self, state: dict[str, Float]) -> None:
        """See Algorithm.load_state."""
        self.steps.load_state(state)
        self._log_std[...] = state["log_std"]
        self.buffer.load_state({name: state[f"buffer_{name}"] for name in ("rows", "added")})


@dataclass
class _Totals:
    """Means over the gradient steps of an update."""

    learning_rate: float
    action_std: float
    sums: Float = field(default_factory=lambda: np.zeros(5))
    count: int = 0
    skipped: int = 0

    def add(self, figures: Figures | None) -> None:
        if figures is None:
            self.skipped += 1
            return
        f = figures
        self.sums += (f.policy_loss, f.value_loss, f.entropy, f.explained_variance, f.grad_norm)
        self.action_std = float(np.mean(np.exp(f.log_std)))
        self.count += 1

    def stats(self) -> UpdateStats:
        policy, value, entropy, explained, norm = (float(x) for x in self.sums / max(self.count, 1))
        return UpdateStats(
            policy_loss=policy,
            value_loss=value,
            entropy=entropy,
            explained_variance=explained,
            learning_rate=self.learning_rate,
            grad_norm=norm,
            action_std=self.action_std,
            skipped=self.skipped,
        )


def _length(grads: Float) -> float:
    """Euclidean length; not finite where an entry is not, or the squares overflow."""
    return float(np.sqrt(np.dot(grads, grads)))
