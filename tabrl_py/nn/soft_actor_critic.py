"""The networks of soft actor-critic over one flat vector: [actor | critic 1 | critic 2 | log temperature].

The actor gives mean and log standard deviation of each action from one network of 2 A outputs; a critic
takes [observation | action] and gives their value. The critics' slow copies, the targets, are a vector of
their own.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tabrl_py.nn.arithmetic import Name, make_perceptron
from tabrl_py.nn.mlp import MLP, parameter_count
from tabrl_py.nn.squashed import Draw, draw
from tabrl_py.rng import Purpose, stream
from tabrl_py.types import Float


class SoftActorCritic:
    """A squashed Gaussian policy, two action values, their targets and the temperature.

    Attributes:
        params: (P,) everything that is learned.
        grads: (P,) gradients in the same order.
        targets: the critics' slow copies, [critic 1 | critic 2].
        arithmetic: what computes the passes.
        actor: observation -> [mean | log_std], on a view.
        actor_layers: its weights and biases, layer by layer, views.
        critics: two networks [observation | action] -> value, on views.
        target_critics: the same on `targets`.
        both_critics: the critics' part of params, a view.
        log_temperature: (1,) a view.
        d_actor, d_critics, d_both_critics, d_log_temperature: the same views of grads.
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
        kernels: str = "numpy",
    ) -> None:
        """Allocate networks of zeros; see init.

        Args:
            obs_size: O.
            action_size: A.
            hidden: units of each hidden layer of all networks.
            activation: of the hidden layers.
            dtype: of all numbers.
            layer_norm: whether hidden layers are normalised.
            kernels: Recipe.kernels.
        """
        self.obs_size, self.action_size = obs_size, action_size
        actor_sizes, critic_sizes = (obs_size, *hidden, 2 * action_size), (obs_size + action_size, *hidden, 1)
        first = parameter_count(actor_sizes)
        one = parameter_count(critic_sizes)
        self.params: Float = np.zeros(first + 2 * one + 1, dtype)
        self.grads: Float = np.zeros_like(self.params)
        self.targets: Float = np.zeros(2 * one, dtype)
        places = [slice(first, first + one), slice(first + one, first + 2 * one)]
        actor = MLP(actor_sizes, activation, self.params[:first], layer_norm=layer_norm)
        critics, targets = (
            [MLP(critic_sizes, activation, part, layer_norm=layer_norm) for part in parts]
            for parts in ([self.params[at] for at in places], [self.targets[:one], self.targets[one:]])
        )
        self.actor_layers = actor.layers
        self._critic_layers = [layer for critic in critics for layer in critic.layers]
        self.actor = make_perceptron(kernels, actor)
        self.critics = [make_perceptron(kernels, critic) for critic in critics]
        self.target_critics = [make_perceptron(kernels, target) for target in targets]
        self.arithmetic: Name = "numpy" if self.actor is actor else "compiled"
        self.both_critics = self.params[first:-1]
        self.log_temperature = self.params[-1:]
        self.d_actor = self.grads[:first]
        self.d_critics = [self.grads[place] for place in places]
        self.d_both_critics = self.grads[first:-1]
        self.d_log_temperature = self.grads[-1:]

    def init(self, seed: int, init_log_std: float, init_temperature: float) -> None:
        """First parameters: every weight and bias uniform in +-1 / sqrt(inputs of its layer).

        That is how Stable-Baselines3's SAC begins. The biases of log_std are moved by init_log_std, the
        targets are the critics.
        """
        for purpose, layers in (
            (Purpose.INIT_ACTOR, self.actor_layers),
            (Purpose.INIT_CRITIC, self._critic_layers),
        ):
            for index, (w, b) in enumerate(layers):
                rng = stream(seed, purpose, index)
                reach = 1.0 / np.sqrt(w.shape[0])
                w[...] = rng.uniform(-reach, reach, w.shape)
                b[...] = rng.uniform(-reach, reach, b.shape)
        self.actor_layers[-1][1][self.action_size :] += init_log_std
        self.log_temperature[...] = np.log(init_temperature)
        self.targets[...] = self.both_critics

    def draw(self, obs: Float, noise: Float) -> Draw:
        """The policy's actions for (B, O) normalised observations and (B, A) standard normal noise."""
        out = self.actor.forward(obs)
        return draw(out[:, : self.action_size], out[:, self.action_size :], noise)

    def policy_params(self, log_std: Float) -> Float:
        """The parameters of the deterministic policy as its file has them: the mean's network, then log_std.

        Args:
            log_std: (A,) to put in the file; the network's own depends on the observation.
        """
        *hidden, (w, b) = self.actor_layers
        kept = [part.ravel() for layer in hidden for part in layer]
        last = [w[:, : self.action_size].ravel(), b[: self.action_size], log_std]
        return np.concatenate([*kept, *last]).astype(self.params.dtype)

    def load_policy_params(self, params: Float) -> None:
        """Take the mean's network from what policy_params() gave, and log_std for every observation."""
        *hidden, (w, b) = self.actor_layers
        at = 0
        for part in (part for layer in hidden for part in layer):
            part[...] = params[at : at + part.size].reshape(part.shape)
            at += part.size
        n = self.action_size
        w[:, :n] = params[at : at + w.shape[0] * n].reshape(-1, n)
        w[:, n:] = 0.0
        b[:] = params[at + w.shape[0] * n :]
