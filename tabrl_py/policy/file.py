"""A trained policy: what it takes to act, where it came from, and its file (docs/formats.md)."""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

import tabrl_py
from tabrl_py.errors import PolicyFileError
from tabrl_py.nn.mlp import ACTIVATIONS, MLP, layer_views, parameter_count
from tabrl_py.nn.normalize import ObsNormalizer
from tabrl_py.policy import safetensors
from tabrl_py.policy.bounds import ActionBounds
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F32, F64, Float

FORMAT = "tabrl-policy"
LEARNING = "learning."
"""Tensors whose names begin so are the learner's."""
FORMAT_VERSION = 1
EXTENDED_VERSION = 2
"""Of files that squash or normalise layers: a reader of version 1 alone would leave that out."""
LEARNING_VERSION = 3
"""Of files that also hold what learning goes on from, which readers of the versions before refuse."""
SQUASHES = ("none", "tanh")
LARGEST_LAYER = 65_536
LARGEST_ELEMENTS = 64_000_000


def current_versions() -> dict[str, str]:
    """What a policy made now is made with."""
    return {"tabrl": tabrl_py.__version__, "python": platform.python_version(), "numpy": np.__version__}


@dataclass(frozen=True, eq=False)
class Policy:
    """The actor of a run at one moment. The arrays are its own and are not to be written to.

    Attributes:
        task: id of the task it was trained for.
        model: the task's model.
        layout_version: of the task's observation.
        sizes: units of each layer: O, hidden layers, A.
        activation: of the hidden layers.
        action_low: (A,) the task's bounds.
        action_high: (A,).
        params: the actor's weights and biases in MLP's order, then the A log standard deviations.
        squash: what brings the network's output to [-1, 1] beside clipping: none, or tanh as SAC does.
        layer_norm: whether the sums of hidden layers are normalised; see nn/mlp.py.
        obs_mean: (O,) of the observation normaliser; None when observations are not normalised.
        obs_var: (O,).
        obs_count: how many observations the normaliser has seen.
        learning: what the algorithm goes on from beside the actor, by name; None: the file has none, and
            acting needs none. See algos/training.py: start_from.
        steps: control steps of training.
        recipe: the run's recipe as JSON.
        evaluation: an Evaluation as JSON, or None.
        provenance: of a reward that was designed, as JSON (meta/view.py: provenance), or None.
        versions: of what made it.
    """

    task: str
    model: str
    layout_version: int
    sizes: tuple[int, ...]
    activation: str
    action_low: tuple[float, ...]
    action_high: tuple[float, ...]
    params: F32
    squash: str = "none"
    layer_norm: bool = False
    obs_mean: F64 | None = None
    obs_var: F64 | None = None
    obs_count: float = 0.0
    learning: Mapping[str, Float] | None = None
    steps: int = 0
    recipe: dict[str, Any] = field(default_factory=dict)
    evaluation: dict[str, Any] | None = None
    provenance: dict[str, Any] | None = None
    versions: dict[str, str] = field(default_factory=current_versions)

    @property
    def log_std(self) -> F32:
        """(A,) log standard deviations of the exploration in training."""
        return self.params[-self.sizes[-1] :]

    @property
    def reward(self) -> str:
        """Source of the reward that it was trained with; "" where that was the task's own."""
        source = self.recipe.get("reward", "")
        return source if isinstance(source, str) else ""

    @cached_property
    def network(self) -> MLP:
        """The mean of the actions, in units in which the task's bounds are -1 and 1.

        In float64: summation orders differ between NumPy's builds, and actions must not (CPython, Pyodide).
        """
        params = self.params[: -self.sizes[-1]].astype(np.float64)
        return MLP(self.sizes, self.activation, params, layer_norm=self.layer_norm)

    @cached_property
    def normalizer(self) -> ObsNormalizer | None:
        """The observation normaliser, or None."""
        if self.obs_mean is None or self.obs_var is None:
            return None
        normalizer = ObsNormalizer(self.sizes[0], np.float64)
        normalizer.moments.load_state(
            {"count": np.array([self.obs_count]), "mean": self.obs_mean, "var": self.obs_var}
        )
        normalizer.refresh()
        return normalizer

    @cached_property
    def bounds(self) -> ActionBounds:
        """The mapping to the task's units."""
        return ActionBounds(self.action_low, self.action_high)

    def act(self, obs: Float) -> F32:
        """The deterministic actions.

        Args:
            obs: (N, O), raw.

        Returns:
            (N, A) within the task's bounds.
        """
        return self.to_task(self.mean(obs))

    def to_task(self, actions: F32) -> F32:
        """What the task gets for the network's output, (N, A), noise added or not: squashed, in its bounds.

        The tanh is float64's, for the reason that `network` gives.
        """
        if self.squash == "tanh":
            actions = np.tanh(actions.astype(np.float64)).astype(np.float32)
        return self.bounds.to_task(actions, np.empty_like(actions))

    def mean(self, obs: Float) -> F32:
        """The network's output, (N, A), for raw observations, (N, O): neither squashed nor clipped."""
        x: Float = np.ascontiguousarray(obs, dtype=np.float64)
        if self.normalizer is not None:
            x = self.normalizer.normalize(x, np.empty_like(x))
        return self.network.forward(x).astype(np.float32)


def check_fits(policy: Policy, task: TaskSpec, *, same_task: bool = True) -> None:
    """Raise PolicyFileError where a policy cannot act in a task.

    Args:
        policy: the policy.
        task: the task.
        same_task: False allows another task of the same robot, as a beginning for training.

    Raises:
        PolicyFileError: another task, another robot, another observation layout, other sizes or bounds.
    """
    if same_task and policy.task != task.id:
        raise PolicyFileError(
            f"the policy was trained for {policy.task}, not for {task.id}; choose task {policy.task}"
        )
    if policy.model != task.model:
        raise PolicyFileError(
            f"the policy drives the model {policy.model}, task {task.id} has {task.model}; "
            f"choose task {policy.task}"
        )
    if policy.layout_version != task.layout_version:
        raise PolicyFileError(
            f"the policy reads layout version {policy.layout_version} of the observation of {policy.task}, "
            f"this TabRL gives version {task.layout_version}; train it anew, or use the TabRL that made it"
        )
    for what, has, needs in (
        ("observation numbers", policy.sizes[0], task.obs_size),
        ("actions", policy.sizes[-1], task.action_size),
        ("action bounds", (policy.action_low, policy.action_high), (task.action_low, task.action_high)),
    ):
        if has != needs:
            raise PolicyFileError(
                f"the policy has {what} {has}, task {task.id} has {needs}; choose the task it was made for"
            )


def save_policy(policy: Policy) -> bytes:
    """The policy's file; equal policies give equal bytes."""
    tensors: safetensors.Tensors = {"log_std": policy.log_std}
    for layer, (w, b) in enumerate(layer_views(policy.sizes, policy.params[: -policy.sizes[-1]])):
        tensors[f"actor.{layer}.weight"], tensors[f"actor.{layer}.bias"] = w, b
    if policy.obs_mean is not None and policy.obs_var is not None:
        tensors["obs.mean"], tensors["obs.var"] = policy.obs_mean, policy.obs_var
        tensors["obs.count"] = np.array([policy.obs_count])
    tensors |= {f"{LEARNING}{name}": array for name, array in (policy.learning or {}).items()}
    return safetensors.write(tensors, policy_texts(policy))


def policy_texts(policy: Policy) -> dict[str, str]:
    """The metadata of the policy's file (docs/formats.md)."""
    network: dict[str, Any] = {"hidden": list(policy.sizes[1:-1]), "activation": policy.activation}
    if policy.layer_norm:
        network["layer_norm"] = True
    extended = policy.layer_norm or policy.squash != "none"
    texts = {
        "format": FORMAT,
        "format_version": str(_version(extended, policy.learning is not None)),
        "task": policy.task,
        "model": policy.model,
        "layout_version": str(policy.layout_version),
        "obs_size": str(policy.sizes[0]),
        "action_size": str(policy.sizes[-1]),
        "parameters": str(policy.params.size),
        "steps": str(policy.steps),
        "network": dump(network),
        "action_low": dump(list(policy.action_low)),
        "action_high": dump(list(policy.action_high)),
        "recipe": dump(policy.recipe),
        "versions": dump(policy.versions),
    }
    if policy.squash != "none":
        texts["squash"] = policy.squash
    if policy.evaluation is not None:
        texts["evaluation"] = dump(policy.evaluation)
    if policy.provenance is not None:
        texts["provenance"] = dump(policy.provenance)
    return texts


def load_policy(data: bytes) -> Policy:
    """Read a policy's file.

    Raises:
        PolicyFileError: corrupt, cut short, foreign, of another version, or with weights that are not finite.
    """
    tensors, texts = safetensors.read(data)
    extended = "squash" in texts or '"layer_norm"' in texts.get("network", "")
    learning = _learning(tensors)
    check_format(texts, FORMAT, _version(extended, learning is not None), "policy")
    squash = texts.get("squash", "none")
    if squash not in SQUASHES:
        raise _damaged("squash", squash)
    network = parse(texts, "network", dict)
    hidden, activation = network.get("hidden"), network.get("activation")
    obs_size, action_size = parse(texts, "obs_size", int), parse(texts, "action_size", int)
    layer_norm = network.get("layer_norm", False)
    if (
        not isinstance(hidden, list)
        or activation not in ACTIVATIONS
        or ("layer_norm" in network) != (layer_norm is True)
    ):
        raise _damaged("network", texts["network"])
    sizes = (obs_size, *hidden, action_size)
    if not all(type(n) is int and 1 <= n <= LARGEST_LAYER for n in sizes) or len(sizes) > 8:
        raise _damaged("network", f"sizes {sizes}")
    if parameter_count(sizes) > LARGEST_ELEMENTS:
        raise _damaged("network", f"{parameter_count(sizes)} parameters")
    params = _actor(tensors, sizes)
    mean, var, count = _normalizer(tensors, obs_size)
    if tensors:
        raise PolicyFileError(
            f"the policy file has unknown tensors: {', '.join(sorted(tensors))}; export it again"
        )
    bounds = {name: _bounds(texts, name, action_size) for name in ("action_low", "action_high")}
    return Policy(
        task=text_of(texts, "task"),
        model=text_of(texts, "model"),
        layout_version=parse(texts, "layout_version", int),
        sizes=sizes,
        activation=activation,
        params=params,
        squash=squash,
        layer_norm=layer_norm,
        obs_mean=mean,
        obs_var=var,
        obs_count=count,
        learning=learning,
        steps=parse(texts, "steps", int),
        recipe=parse(texts, "recipe", dict),
        evaluation=parse(texts, "evaluation", dict) if "evaluation" in texts else None,
        provenance=parse(texts, "provenance", dict) if "provenance" in texts else None,
        versions=parse(texts, "versions", dict),
        **bounds,
    )


def dump(value: object) -> str:
    """JSON with sorted keys and no spaces: equal values give equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def check_format(texts: dict[str, str], name: str, version: int, what: str) -> None:
    """Raise PolicyFileError unless the file says it is of this format and version."""
    given = texts.get("format")
    if given != name:
        raise PolicyFileError(
            f"the file is not a TabRL {what}: its format is {given!r}, not {name!r}; "
            f"use a {what} that TabRL exported"
        )
    if texts.get("format_version") != str(version):
        raise PolicyFileError(
            f"the {what} file has format version {texts.get('format_version')}, this TabRL reads {version}; "
            f"use the TabRL that made it, or train anew"
        )


def text_of(texts: dict[str, str], key: str) -> str:
    """A metadata entry that must be there."""
    if key not in texts:
        raise PolicyFileError(f"the file lacks the entry {key!r}; export it again")
    return texts[key]


def parse(texts: dict[str, str], key: str, kind: type) -> Any:  # noqa: ANN401 - of that type
    """A metadata entry that must be JSON of that type."""
    text = text_of(texts, key)
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _damaged(key, text) from error
    if type(value) is not kind:
        raise _damaged(key, text)
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _damaged(key: str, value: str) -> PolicyFileError:
    return PolicyFileError(f"the file's entry {key!r} is damaged: {value[:80]!r}; export it again")


def take(
    tensors: safetensors.Tensors, name: str, shape: tuple[int, ...], dtype: type[Any]
) -> npt.NDArray[Any]:
    """Remove and return a tensor that must be there, of that shape and type, and finite."""
    tensor = tensors.pop(name, None)
    if tensor is None:
        raise PolicyFileError(f"the file lacks the tensor {name!r}; export it again")
    if tensor.shape != shape or tensor.dtype != dtype:
        raise PolicyFileError(
            f"tensor {name!r} is {tensor.dtype} {tensor.shape}; expected {np.dtype(dtype)} {shape}; "
            f"export it again"
        )
    if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
        raise PolicyFileError(
            f"tensor {name!r} holds numbers that are not finite: the training broke; use an earlier file"
        )
    return tensor


def _version(extended: bool, learning: bool) -> int:
    return LEARNING_VERSION if learning else EXTENDED_VERSION if extended else FORMAT_VERSION


def _learning(tensors: safetensors.Tensors) -> dict[str, Float] | None:
    """Remove what learning goes on from; what it has to be like is known to the algorithm alone."""
    names = [name for name in tensors if name.startswith(LEARNING)]
    found = {name: tensors[name] for name in names}
    for name, tensor in found.items():
        if tensor.dtype.kind != "f":
            raise PolicyFileError(f"tensor {name!r} is {tensor.dtype}, not of real numbers; export it again")
        take(tensors, name, tensor.shape, tensor.dtype.type)
    return {name.removeprefix(LEARNING): found[name] for name in names} or None


def _actor(tensors: safetensors.Tensors, sizes: tuple[int, ...]) -> F32:
    count = parameter_count(sizes)
    params: F32 = np.empty(count + sizes[-1], dtype=np.float32)
    for layer, (w, b) in enumerate(layer_views(sizes, params[:count])):
        w[...] = take(tensors, f"actor.{layer}.weight", w.shape, np.float32)
        b[...] = take(tensors, f"actor.{layer}.bias", b.shape, np.float32)
    params[count:] = take(tensors, "log_std", (sizes[-1],), np.float32)
    return params


def _normalizer(tensors: safetensors.Tensors, size: int) -> tuple[F64 | None, F64 | None, float]:
    if "obs.mean" not in tensors:
        return None, None, 0.0
    mean = take(tensors, "obs.mean", (size,), np.float64)
    var = take(tensors, "obs.var", (size,), np.float64)
    if (var < 0.0).any():
        raise PolicyFileError("tensor 'obs.var' has negative entries; export it again")
    return mean, var, float(take(tensors, "obs.count", (1,), np.float64)[0])


def _bounds(texts: dict[str, str], key: str, size: int) -> tuple[float, ...]:
    values = parse(texts, key, list)
    if len(values) != size or not all(type(x) in (int, float) and np.isfinite(x) for x in values):
        raise _damaged(key, texts[key])
    return tuple(values)
