"""Which task a foreign policy is for, and the policy that acts there as the foreign one did."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tabrl_py.errors import PolicyFileError
from tabrl_py.nn.mlp import parameter_count
from tabrl_py.policy.file import LARGEST_LAYER, Policy
from tabrl_py.tasks import TASKS, TaskSpec
from tabrl_py.types import F32, F64

MOST_LAYERS = 7
"""Of a policy's file: hidden ones and the last."""


@dataclass(frozen=True)
class Network:
    """A perceptron that was found in a file.

    Attributes:
        weights: (in, out) of each layer.
        biases: (out,) of each layer.
        activation: of the hidden layers; None where there are none.
        layer_norm: whether the hidden layers' sums are normalised.
        mean: (O,) what the observations are normalised with, clipped to +-10 afterwards; or None.
        var: (O,).
        squash: none or tanh.
        log_std: (A,) of exploration, or None where the file does not say.
    """

    weights: Sequence[F64]
    biases: Sequence[F64]
    activation: str | None
    layer_norm: bool = False
    mean: F64 | None = None
    var: F64 | None = None
    squash: str = "none"
    log_std: F64 | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of each layer, input first."""
        return (self.weights[0].shape[0], *(weight.shape[1] for weight in self.weights))


def task_for(obs_size: int, action_size: int, wanted: str, what: str) -> TaskSpec:
    """The task with so many observations and actions.

    Args:
        obs_size: O.
        action_size: A.
        wanted: id of the task to prefer among several; "" for none.
        what: the file, for the message.

    Raises:
        PolicyFileError: no task fits, or several do and none of them is wanted.
    """
    sizes = (obs_size, action_size)
    fitting = [task for task in TASKS.values() if (task.obs_size, task.action_size) == sizes]
    chosen = [task for task in fitting if task.id == wanted] or fitting
    if len(chosen) == 1:
        return chosen[0]
    numbers = f"{what} takes {obs_size} observation numbers and gives {action_size} actions"
    if not fitting:
        raise PolicyFileError(f"{numbers}; no task here has such a robot, so it cannot act in one")
    names = " and ".join(task.id for task in fitting)
    raise PolicyFileError(
        f"{numbers}, as {names} have; choose one of these tasks first, then import it again"
    )


def fitted(network: Network, task: TaskSpec, steps: int = 0) -> Policy:
    """The policy whose actions are those of the network, in the task's units, clipped to its bounds.

    A policy acts in units in which the bounds are -1 and 1, so the last layer is brought to them.

    Raises:
        PolicyFileError: numbers that are not finite, or layers larger or more than a policy has.
    """
    sizes = network.sizes
    if len(network.weights) > MOST_LAYERS or max(sizes) > LARGEST_LAYER:
        raise PolicyFileError(
            f"the network has the layers {sizes}; a policy has at most {MOST_LAYERS} of at most "
            f"{LARGEST_LAYER} units: train a smaller one"
        )
    low, high = np.array(task.action_low), np.array(task.action_high)
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    weights, biases = list(network.weights), list(network.biases)
    log_std = np.zeros(sizes[-1]) if network.log_std is None else network.log_std
    if network.squash == "none":
        weights[-1], biases[-1] = weights[-1] / half, (biases[-1] - middle) / half
        log_std = log_std - np.log(half)
    params: F32 = np.concatenate(
        [part.ravel() for pair in zip(weights, biases, strict=True) for part in pair] + [log_std]
    ).astype(np.float32)
    assert params.size == parameter_count(sizes) + sizes[-1]
    for name, values in (("weights", params), ("means", network.mean), ("variances", network.var)):
        if values is not None and not np.isfinite(values).all():
            raise PolicyFileError(f"the file's {name} hold numbers that are not finite: use another file")
    return Policy(
        task=task.id,
        model=task.model,
        layout_version=task.layout_version,
        sizes=sizes,
        activation=network.activation or "tanh",
        action_low=tuple(task.action_low),
        action_high=tuple(task.action_high),
        params=params,
        squash=network.squash,
        layer_norm=network.layer_norm,
        obs_mean=network.mean,
        obs_var=network.var,
        obs_count=0.0 if network.mean is None else 1.0,
        steps=steps,
    )
