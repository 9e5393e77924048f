"""Soft actor-critic with two critics and a learned temperature (arXiv:1812.05905).

What a gradient step is: the losses, their gradients by hand, and the order of the updates, which is that of
Stable-Baselines3. algos/off_policy.py collects the transitions it learns from.
"""

from dataclasses import dataclass

import numpy as np

from tabrl_py.algos.replay import Transitions
from tabrl_py.config import SACConfig
from tabrl_py.nn.optim import Adam
from tabrl_py.nn.soft_actor_critic import SoftActorCritic
from tabrl_py.nn.squashed import Draw, draw_backward
from tabrl_py.types import Float

ADAM_EPSILON = 1e-8


@dataclass(frozen=True)
class Figures:
    """What a gradient step says of its minibatch, before the step.

    Attributes:
        policy_loss: mean(temperature log p - min Q).
        value_loss: mean of both critics' squared errors, halved and summed.
        entropy: -mean(log p), nats.
        temperature: the weight of the entropy.
        action_std: mean standard deviation before squashing.
        log_std: (A,) mean log standard deviation, as a policy file has it.
        explained_variance: 1 - var(target - Q) / var(target), of the first critic.
        grad_norm: of the critics' gradient.
        skipped: whether the step was left out, from the part on that was not finite; the rest is 0 then.
    """

    policy_loss: float = 0.0
    value_loss: float = 0.0
    entropy: float = 0.0
    temperature: float = 0.0
    action_std: float = 0.0
    log_std: Float | None = None
    explained_variance: float = 0.0
    grad_norm: float = 0.0
    skipped: bool = False


def critic_targets(
    nets: SoftActorCritic, batch: Transitions, noise: Float, temperature: float, gamma: float
) -> Float:
    """(B,) r + gamma (min target Q(s', a') - temperature log p(a')), the bracket 0 where the task ended.

    arXiv:1812.05905, eq. 5 and 6, with a' drawn by the present policy; a time-out is no end.
    """
    drawn = nets.draw(batch.next_obs, noise)
    pairs = np.concatenate([batch.next_obs, drawn.action], axis=1)
    first, second = (critic.forward(pairs)[:, 0] for critic in nets.target_critics)
    beyond = np.minimum(first, second) - temperature * drawn.log_prob
    following: Float = batch.rewards + gamma * (1.0 - batch.terminated) * beyond
    return following.astype(nets.params.dtype, copy=False)


def critic_gradient(nets: SoftActorCritic, batch: Transitions, targets: Float) -> tuple[float, Float]:
    """Into nets.d_critics, the gradient of 1/2 mean((Q1 - y)^2) + 1/2 mean((Q2 - y)^2).

    Returns:
        the loss, and (B,) what the first critic said.
    """
    pairs = np.concatenate([batch.obs, batch.actions], axis=1)
    loss = 0.0
    said: list[Float] = []
    for critic, d_critic in zip(nets.critics, nets.d_critics, strict=True):
        values = critic.forward(pairs)[:, 0]
        error = values - targets
        loss += 0.5 * float(np.mean(error * error))
        said.append(values.copy())
        critic.backward((error / len(error)).astype(error.dtype)[:, None], d_critic)
    return loss, said[0]


def actor_gradient(nets: SoftActorCritic, obs: Float, noise: Float, temperature: float) -> tuple[float, Draw]:
    """Into nets.d_actor, the gradient of mean(temperature log p(a) - min(Q1, Q2)(s, a)), a from `noise`.

    arXiv:1812.05905, eq. 9. The critics stay as they are: their gradient by the action is passed on.

    Returns:
        the loss, and the actions drawn.
    """
    drawn = nets.draw(obs, noise)
    pairs = np.concatenate([obs, drawn.action], axis=1)
    first, second = (critic.forward(pairs)[:, 0] for critic in nets.critics)
    share = obs.dtype.type(1.0 / len(obs))
    loss = float(np.mean(temperature * drawn.log_prob - np.minimum(first, second)))
    d_action: Float = np.zeros_like(drawn.action)
    d_pairs = np.empty_like(pairs)
    for critic, counts in zip(nets.critics, (first <= second, first > second), strict=True):
        critic.backward(np.where(counts, -share, obs.dtype.type(0.0))[:, None], None, d_pairs)
        d_action += d_pairs[:, nets.obs_size :]
    d_log_prob = np.full(len(obs), temperature * share, obs.dtype)
    d_mean, d_log_std = draw_backward(drawn, d_action, d_log_prob)
    nets.actor.backward(np.concatenate([d_mean, d_log_std], axis=1), nets.d_actor)
    return loss, drawn


def temperature_gradient(log_prob: Float, target_entropy: float) -> float:
    """Gradient of -log_temperature mean(log p + target_entropy) by log_temperature.

    The loss of Stable-Baselines3; arXiv:1812.05905, eq. 18, has the temperature itself as factor, which
    changes the length of the step and not its sign.
    """
    return -float(np.mean(log_prob)) - target_entropy


class SAC:
    """Gradient steps on the networks.

    Attributes:
        nets: what learns.
        steps: gradient steps made or skipped.
        target_entropy: that the temperature keeps the policy's entropy at, nats.
    """

    def __init__(self, config: SACConfig, nets: SoftActorCritic) -> None:
        """Learn nets, whose weights are already initialised."""
        self.config, self.nets = config, nets
        self.target_entropy = config.target_entropy * nets.action_size
        self.steps = 0
        self._optimizers = {
            "actor_": Adam(nets.actor.params, epsilon=ADAM_EPSILON),
            "critic_": Adam(nets.both_critics, epsilon=ADAM_EPSILON),
            "temperature_": Adam(nets.log_temperature, epsilon=ADAM_EPSILON),
        }

    def step(self, batch: Transitions, noise: Float) -> Figures:
        """Critics, then actor and temperature, then targets; ends before the first part that is not finite.

        Args:
            batch: observations normalised.
            noise: (2, B, A) standard normal draws: for the actor's actions, and for those that follow.
        """
        nets, config = self.nets, self.config
        temperature = float(np.exp(nets.log_temperature[0]))
        self.steps += 1
        with np.errstate(all="ignore"):
            targets = critic_targets(nets, batch, noise[1], temperature, config.gamma)
            value_loss, said = critic_gradient(nets, batch, targets)
            norm = _length(nets.d_both_critics)
        if not np.isfinite(value_loss + norm):
            return Figures(skipped=True)
        self._optimizers["critic_"].step(nets.d_both_critics, config.learning_rate)
        with np.errstate(all="ignore"):
            policy_loss, drawn = actor_gradient(nets, batch.obs, noise[0], temperature)
            finite = bool(np.isfinite(policy_loss + _length(nets.d_actor)))
        if not finite:
            return Figures(skipped=True)
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
            temperature=temperature,
            action_std=float(np.mean(drawn.std)),
            log_std=np.log(drawn.std).mean(axis=0),
            explained_variance=0.0 if variance == 0.0 else 1.0 - float(np.var(targets - said)) / variance,
            grad_norm=norm,
        )

    def state(self) -> dict[str, Float]:
        """Everything that learning continues from, by name; scalars as arrays of shape ()."""
        state: dict[str, Float] = {
            "params": self.nets.params,
            "targets": self.nets.targets,
            "steps": np.array(float(self.steps)),
        }
        for prefix, adam in self._optimizers.items():
            state |= {f"{prefix}adam_m": adam.m, f"{prefix}adam_v": adam.v}
            state[f"{prefix}adam_count"] = np.array(float(adam.step_count))
        return state

    def load_state(self, state: dict[str, Float]) -> None:
        """Put back what state() gave."""
        self.nets.params[...] = state["params"]
        self.nets.targets[...] = state["targets"]
        self.steps = int(state["steps"])
        for prefix, adam in self._optimizers.items():
            adam.m[...], adam.v[...] = state[f"{prefix}adam_m"], state[f"{prefix}adam_v"]
            adam.step_count = int(state[f"{prefix}adam_count"])


def _length(grads: Float) -> float:
    """Euclidean length; not finite where an entry is not, or the squares overflow."""
    return float(np.sqrt(np.dot(grads, grads)))
