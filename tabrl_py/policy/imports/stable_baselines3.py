"""Policies of Stable-Baselines3's PPO: its zip, and the observation statistics of a VecNormalize beside it.

The archive holds `data` (JSON, in which base64 pickles stand beside readable words: only the words are read)
and `policy.pth` (torch_file.py). Source of the layout: Stable-Baselines3 2.x, common/save_util.py and
common/policies.py: ActorCriticPolicy.
"""

import json
import re
from typing import Any

import numpy as np

from tabrl_py.errors import PolicyFileError
from tabrl_py.nn.normalize import CLIP, EPSILON
from tabrl_py.policy.file import Policy
from tabrl_py.policy.imports.archive import Archive
from tabrl_py.policy.imports.fit import Network, fitted, task_for
from tabrl_py.policy.imports.numpy_pickles import array_of, number_of
from tabrl_py.policy.imports.pickles import Made, read_pickle
from tabrl_py.policy.imports.torch_file import read_tensors
from tabrl_py.tasks import TaskSpec
from tabrl_py.types import F64

WHAT = "the Stable-Baselines3 archive"
_ACTIVATIONS = {"Tanh": "tanh", "ReLU": "relu", "ELU": "elu"}
_HIDDEN = re.compile(r"mlp_extractor\.policy_net\.(\d+)\.(weight|bias)")
_VALUES = ("mlp_extractor.value_net.", "value_net.")
_NOTHING: F64 = np.zeros(0)
_LARGEST_DATA = 16 * 1024 * 1024


def read_ppo(data: bytes, task: str, normalizer: bytes | None = None) -> Policy:
    """The policy of a PPO archive.

    Args:
        data: the zip that `model.save` wrote.
        task: id of the task to prefer where several fit; "" for none.
        normalizer: the file that `VecNormalize.save` wrote, where the observations were normalised.

    Raises:
        PolicyFileError: no such archive, another algorithm or policy class, or a robot that no task has.
    """
    archive = Archive(data, WHAT)
    settings = _settings(archive)
    tensors = read_tensors(archive.read("policy.pth"), "policy.pth")
    network = _network(tensors, settings)
    found = task_for(network.sizes[0], network.sizes[-1], task, WHAT)
    _check_bounds(settings, found)
    if normalizer is not None:
        network = _normalised(network, normalizer)
    steps = settings.get("num_timesteps")
    return fitted(network, found, steps if type(steps) is int and steps >= 0 else 0)


def _settings(archive: Archive) -> dict[str, Any]:
    if "data" not in archive.names or "policy.pth" not in archive.names:
        raise PolicyFileError(
            f"the zip archive is not one of Stable-Baselines3: it lacks the entries data and policy.pth; "
            f"it has {', '.join(archive.names[:5]) or 'none'}"
        )
    try:
        settings = json.loads(archive.read("data", _LARGEST_DATA).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise PolicyFileError(
            f"the settings in {WHAT} are not JSON ({error}); save the model again"
        ) from error
    if not isinstance(settings, dict):
        raise PolicyFileError(f"the settings in {WHAT} are no table; save the model again")
    return settings


def _network(tensors: dict[str, F64], settings: dict[str, Any]) -> Network:
    hidden: dict[int, dict[str, F64]] = {}
    others = []
    for name, tensor in tensors.items():
        match = _HIDDEN.fullmatch(name)
        if match:
            hidden.setdefault(int(match[1]), {})[match[2]] = tensor
        elif not name.startswith(_VALUES) and name not in ("log_std", "action_net.weight", "action_net.bias"):
            others.append(name)
    if others or "action_net.weight" not in tensors or "log_std" not in tensors:
        example = (others or list(tensors) or ["none"])[0]
        raise PolicyFileError(
            f"{WHAT} holds {_policy_class(settings)}, with tensors like {example!r}; "
            f"PPO's MlpPolicy with continuous actions is what can be imported"
        )
    if settings.get("use_sde"):
        raise PolicyFileError(f"{WHAT} explores with gSDE, which is not imported; train it without use_sde")
    layers = [hidden[index] for index in sorted(hidden)]
    layers.append({name: tensors.get(f"action_net.{name}", _NOTHING) for name in ("weight", "bias")})
    weights: list[F64] = []
    biases: list[F64] = []
    for layer in layers:
        weight, bias = layer.get("weight", _NOTHING), layer.get("bias", _NOTHING)
        follows = not weights or (weight.ndim == 2 and weight.shape[1] == weights[-1].shape[1])
        if weight.ndim != 2 or bias.shape != weight.shape[:1] or not follows:
            raise PolicyFileError(f"the layers of the policy in {WHAT} do not fit one another; save it again")
        weights.append(np.ascontiguousarray(weight.T))
        biases.append(bias)
    log_std = tensors["log_std"]
    if log_std.shape != biases[-1].shape:
        raise PolicyFileError(f"the policy in {WHAT} has {log_std.size} log_std; save it again")
    activation = _activation(settings) if len(layers) > 1 else None
    return Network(weights, biases, activation, log_std=log_std)


def _policy_class(settings: dict[str, Any]) -> str:
    record = settings.get("policy_class")
    module = record.get("__module__") if isinstance(record, dict) else None
    return f"a policy of {str(module)[:80]}" if module else "another policy"


def _activation(settings: dict[str, Any]) -> str:
    """Tanh unless the settings say otherwise, as Stable-Baselines3 has it."""
    chosen = settings.get("policy_kwargs")
    words = chosen.get("activation_fn") if isinstance(chosen, dict) else None
    if words is None:
        return "tanh"
    name = str(words).rstrip("'>").rpartition(".")[2]
    if name not in _ACTIVATIONS:
        raise PolicyFileError(
            f"the policy in {WHAT} has the activation {name[:40]}; known are {', '.join(_ACTIVATIONS)}"
        )
    return _ACTIVATIONS[name]


def _check_bounds(settings: dict[str, Any], task: TaskSpec) -> None:
    """Refuse a policy whose actions were clipped elsewhere than the task's, where its bounds can be read."""
    space = settings.get("action_space")
    if not isinstance(space, dict):
        return
    for key, bounds in (("low_repr", task.action_low), ("high_repr", task.action_high)):
        try:
            given = float(space[key])
        except (KeyError, TypeError, ValueError):
            continue
        if not np.allclose(given, bounds, rtol=1e-6):
            raise PolicyFileError(
                f"the policy in {WHAT} was trained with an action bound of {given:g}, task {task.id} has "
                f"{bounds[0]:g}; choose the task that it was trained for"
            )


def _normalised(network: Network, data: bytes) -> Network:
    """The network behind the statistics of a VecNormalize."""
    made = read_pickle(data)
    state = made.state if isinstance(made, Made) else None
    if not isinstance(state, dict) or "obs_rms" not in state:
        raise PolicyFileError("the .pkl file is not one that VecNormalize.save wrote: it has no obs_rms")
    if state.get("norm_obs") is not True:
        return network
    moments = state["obs_rms"]
    table = moments.state if isinstance(moments, Made) else None
    if not isinstance(table, dict):
        raise PolicyFileError("the observations of the VecNormalize are no single array, so no task has them")
    mean, var = array_of(table.get("mean"), "obs_rms.mean"), array_of(table.get("var"), "obs_rms.var")
    clip, epsilon = number_of(state.get("clip_obs"), CLIP), number_of(state.get("epsilon"), EPSILON)
    size = network.sizes[0]
    if mean.shape != (size,) or var.shape != (size,) or (var < 0.0).any():
        raise PolicyFileError(
            f"the VecNormalize saw observations of shape {mean.shape}, the policy takes {size} numbers; "
            f"choose the file that was saved with it"
        )
    if clip != CLIP:
        raise PolicyFileError(f"the VecNormalize clips at {clip:g}; policies here clip at {CLIP:g}")
    own = np.maximum(var + epsilon - EPSILON, 0.0)
    return Network(
        network.weights, network.biases, network.activation, mean=mean, var=own, log_std=network.log_std
    )
