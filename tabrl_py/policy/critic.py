"""The critic of a policy: nothing acts by it, training goes on from it."""

from dataclasses import dataclass

import numpy as np

from tabrl_py.errors import PolicyFileError
from tabrl_py.nn.mlp import layer_views, parameter_count
from tabrl_py.policy import safetensors
from tabrl_py.types import F32, F64


@dataclass(frozen=True, eq=False)
class Critic:
    """A value function, and the scale of the rewards it learned from.

    Attributes:
        params: weights and biases in MLP's order, of a network with the actor's hidden layers and one output.
        returns: (3,) count, mean and variance of the discounted returns; see nn/normalize.py: RewardScaler.
    """

    params: F32
    returns: F64


def critic_sizes(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Units of each layer of the critic that belongs to an actor of these."""
    return (*sizes[:-1], 1)


def put_critic(tensors: safetensors.Tensors, critic: Critic, sizes: tuple[int, ...]) -> None:
    """Add the tensors of a critic; `sizes` are the actor's."""
    put_network(tensors, "critic", critic_sizes(sizes), critic.params)
    tensors["critic.returns"] = critic.returns


def has_critic(tensors: safetensors.Tensors) -> bool:
    """Whether any tensor is a critic's."""
    return any(name.startswith("critic.") for name in tensors)


def taken_critic(tensors: safetensors.Tensors, sizes: tuple[int, ...]) -> Critic | None:
    """Remove a critic from the tensors; None where there is none.

    Raises:
        PolicyFileError: a part of it is missing, of another shape, or not finite.
    """
    if not has_critic(tensors):
        return None
    params = taken_network(tensors, "critic", critic_sizes(sizes))
    returns: F64 = safetensors.take(tensors, "critic.returns", (3,), np.float64)
    if returns[0] < 0.0 or returns[2] < 0.0:
        raise PolicyFileError("tensor 'critic.returns' has a negative count or variance; export it again")
    return Critic(params, returns)


def put_network(tensors: safetensors.Tensors, name: str, sizes: tuple[int, ...], params: F32) -> None:
    """Add the weights and biases of each layer, under `name`."""
    for layer, (w, b) in enumerate(layer_views(sizes, params)):
        tensors[f"{name}.{layer}.weight"], tensors[f"{name}.{layer}.bias"] = w, b


def taken_network(tensors: safetensors.Tensors, name: str, sizes: tuple[int, ...]) -> F32:
    """Remove the weights and biases of each layer; the parameters in MLP's order.

    Raises:
        PolicyFileError: one is missing, of another shape, or not finite.
    """
    params: F32 = np.empty(parameter_count(sizes), dtype=np.float32)
    for layer, (w, b) in enumerate(layer_views(sizes, params)):
        w[...] = safetensors.take(tensors, f"{name}.{layer}.weight", w.shape, np.float32)
        b[...] = safetensors.take(tensors, f"{name}.{layer}.bias", b.shape, np.float32)
    return params
