"""The networks of an actor-critic over one flat vector: [actor MLP | log_std | critic MLP]."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tabrl_py.nn.mlp import MLP, initialise, parameter_count
from tabrl_py.rng import Purpose, stream
from tabrl_py.types import Float


class ActorCritic:
    """A Gaussian policy and a value function that share no weights.

    Attributes:
        params: (P,) everything that is learned.
        grads: (P,) gradients in the same order.
        actor: MLP observation -> mean action, a view.
        log_std: (A,) a view.
        critic: MLP observation -> value, a view.
        d_actor, d_log_std, d_critic: the same views of grads.
        actor_size: how many of the first numbers of params belong to the policy (actor and log_std).
    """

    def __init__(
        self,
        obs_size: int,
        action_size: int,
        hidden: Sequence[int],
        activation: str,
        dtype: npt.DTypeLike = np.float32,
        *,
        layer_norm: bool = False,
    ) -> None:
        """Allocate networks of zeros; see init."""
        actor_sizes = (obs_size, *hidden, action_size)
        critic_sizes = (obs_size, *hidden, 1)
        mean_size = parameter_count(actor_sizes)
        self.actor_size = mean_size + action_size
        total = self.actor_size + parameter_count(critic_sizes)
        self.params: Float = np.zeros(total, dtype)
        self.grads: Float = np.zeros(total, dtype)
        self.actor = MLP(actor_sizes, activation, self.params[:mean_size], layer_norm=layer_norm)
        self.d_actor = self.grads[:mean_size]
        self.log_std = self.params[mean_size : self.actor_size]
        self.d_log_std = self.grads[mean_size : self.actor_size]
        self.critic = MLP(critic_sizes, activation, self.params[self.actor_size :], layer_norm=layer_norm)
        self.d_critic = self.grads[self.actor_size :]

    def init(self, seed: int, init_log_std: float) -> None:
        """Orthogonal weights: gain sqrt(2) inside, 0.01 for the mean action, 1 for the value.

        arXiv:2006.05990 found these gains to matter, the small one of the policy's last layer most.
        """
        layers = range(len(self.actor.layers))
        initialise(self.actor, 0.01, [stream(seed, Purpose.INIT_ACTOR, layer) for layer in layers])
        initialise(self.critic, 1.0, [stream(seed, Purpose.INIT_CRITIC, layer) for layer in layers])
        self.log_std[...] = init_log_std

    def values(self, obs: Float, chunk: int = 4096) -> Float:
        """(B,) values of normalised observations, (B, O)."""
        out = np.empty(obs.shape[0], self.params.dtype)
        for at in range(0, obs.shape[0], chunk):
            out[at : at + chunk] = self.critic.forward(obs[at : at + chunk])[:, 0]
        return out
