"""What soft actor-critic minimises, with the gradients by hand (arXiv:1812.05905)."""

from dataclasses import dataclass

import numpy as np

from tabrl_py.nn.soft_actor_critic import SoftActorCritic
from tabrl_py.nn.squashed import Draw, draw_backward
from tabrl_py.types import Float


@dataclass(frozen=True)
class Transitions:
    """Some transitions, (B, ...) each.

    Attributes:
        obs: (B, O) what the policy saw, not normalised.
        actions: (B, A) as the policy gave them, in [-1, 1].
        rewards: (B,).
        next_obs: (B, O) the true next observation, before any reset.
        terminated: (B,) 1 where the task ended, so that nothing is earned beyond; a time-out is 0.
    """

    obs: Float
    actions: Float
    rewards: Float
    next_obs: Float
    terminated: Float


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
