"""An ONNX chain as a perceptron: what stands before, between and after its layers is folded into them.

Before the first layer: affine operations, and a clip to +-10 where they are a normaliser. Between layers: one
of the known activations. After the last: affine operations, a tanh, clips no tighter than the task's bounds.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from tabrl_py.errors import PolicyFileError
from tabrl_py.nn.mlp import NORM_EPSILON
from tabrl_py.nn.normalize import CLIP, EPSILON
from tabrl_py.policy.file import Policy, parse
from tabrl_py.policy.imports.fit import Network, fitted, task_for
from tabrl_py.policy.imports.onnx_graph import Step, read_chain
from tabrl_py.policy.onnx import OWN_KEY
from tabrl_py.tasks import TaskSpec
from tabrl_py.types import F64

WHAT = "the ONNX model"
_ACTIVATIONS = {"Tanh": "tanh", "Relu": "relu", "Elu": "elu"}
_OPERATORS = {
    "Identity": "_identity",
    "Flatten": "_flatten",
    "Gemm": "_gemm",
    "MatMul": "_matmul",
    "LayerNormalization": "_layer_norm",
    **dict.fromkeys(_ACTIVATIONS, "_activate"),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), "_arithmetic"),
    **dict.fromkeys(("Clip", "Max", "Min"), "_limit"),
}
"""What takes each operator, of _Folding."""
_LARGEST_PRODUCT = 16_000_000
"""Numbers in the product of two layers without an activation between them."""
_TOLERANCE = 1e-5


def read_onnx(data: bytes, task: str) -> Policy:
    """The policy that acts as an ONNX model does: observations in, actions in the task's units out.

    Args:
        data: the file.
        task: id of the task to prefer where several fit; "" for none. TabRL's own exports know theirs.

    Raises:
        PolicyFileError: no ONNX model, one that is no perceptron, or one that fits no task.
    """
    chain = read_chain(data, _OPERATORS)
    own = _own(chain.metadata)
    folding = _Folding()
    for step in chain.steps:
        folding.take(step)
    network = folding.network()
    found = task_for(network.sizes[0], network.sizes[-1], own.get("task") or task, WHAT)
    network = folding.in_units_of(network, found)
    policy = fitted(network, found)
    return _with_history(policy, own)


def _own(metadata: dict[str, str]) -> dict[str, str]:
    """What TabRL wrote into its own export; empty for others' models."""
    if OWN_KEY not in metadata:
        return {}
    texts = parse(metadata, OWN_KEY, dict)
    return {key: value for key, value in texts.items() if isinstance(value, str)}


def _with_history(policy: Policy, own: dict[str, str]) -> Policy:
    if not own:
        return policy
    return replace(
        policy,
        steps=parse(own, "steps", int),
        recipe=parse(own, "recipe", dict),
        evaluation=parse(own, "evaluation", dict) if "evaluation" in own else None,
        provenance=parse(own, "provenance", dict) if "provenance" in own else None,
        versions=parse(own, "versions", dict),
    )


@dataclass
class _Affine:
    """A row of numbers y as scale * x + shift, clipped to [low, high] afterwards."""

    scale: F64 = field(default_factory=lambda: np.ones(1))
    shift: F64 = field(default_factory=lambda: np.zeros(1))
    low: F64 = field(default_factory=lambda: np.full(1, -np.inf))
    high: F64 = field(default_factory=lambda: np.full(1, np.inf))

    def map(self, scale: F64 | float, shift: F64 | float, operator: str) -> None:
        """Follow it with y -> scale * y + shift."""
        if not np.isfinite(scale).all() or not np.isfinite(shift).all() or (np.asarray(scale) == 0.0).any():
            raise PolicyFileError(
                f"the operator {operator} of the ONNX model multiplies with 0 or what is not finite"
            )
        ends = self.low * scale + shift, self.high * scale + shift
        self.low, self.high = np.minimum(*ends), np.maximum(*ends)
        self.scale, self.shift = self.scale * scale, self.shift * scale + shift

    def clip(self, low: F64, high: F64) -> None:
        """Follow it with a clip."""
        self.low, self.high = np.clip(self.low, low, high), np.clip(self.high, low, high)

    @property
    def clipped(self) -> bool:
        """Whether any clip acts."""
        return bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())


class _Folding:
    """Takes the chain's steps in order and keeps what they amount to."""

    def __init__(self) -> None:
        self._weights: list[F64] = []
        self._biases: list[F64] = []
        self._activations: list[str] = []
        """Of the layers so far; one less than layers while the last has none."""
        self._norms: list[bool] = []
        self._input = _Affine()
        self._output: _Affine | None = None
        """What follows the last activation, once something that is no layer does."""
        self._mean: F64 | None = None
        self._var: F64 | None = None

    def take(self, step: Step) -> None:
        """Take the next step.

        Raises:
            PolicyFileError: it has no place in a perceptron.
        """
        getattr(self, _OPERATORS[step.operator])(step)

    @property
    def _open(self) -> bool:
        """Whether the last layer has no activation yet, and nothing that cannot be folded into it follows."""
        return len(self._weights) > len(self._activations)

    def _identity(self, _step: Step) -> None:
        pass

    def _flatten(self, step: Step) -> None:
        if step.attributes.get("axis", 1.0) != 1.0 or self._weights:
            raise PolicyFileError(
                "the operator 'Flatten' of the ONNX model is not one of rows of observations"
            )

    def _gemm(self, step: Step) -> None:
        attributes = step.attributes
        if step.place != 0 or attributes.get("transA"):
            raise PolicyFileError(
                "the operator 'Gemm' of the ONNX model does not multiply observations with weights"
            )
        weight = step.constants.get(1, np.zeros(0))
        if weight.ndim != 2:
            raise _shape("Gemm", weight)
        weight = attributes.get("alpha", 1.0) * (weight.T if attributes.get("transB") else weight)
        bias = step.constants.get(2, np.zeros(1)) * attributes.get("beta", 1.0)
        self._layer(weight, _row(bias, weight.shape[1], "Gemm"), "Gemm")

    def _matmul(self, step: Step) -> None:
        weight = step.constants.get(1, np.zeros(0))
        if step.place != 0 or weight.ndim != 2:
            raise _shape("MatMul", weight)
        self._layer(weight, np.zeros(weight.shape[1]), "MatMul")

    def _layer(self, weight: F64, bias: F64, operator: str) -> None:
        if self._weights and self._weights[-1].shape[1] != weight.shape[0]:
            raise _shape(operator, weight)
        if not self._weights:
            bias = bias + self._take_input(weight)
            weight = self._input.scale.reshape(-1, 1) * weight if self._mean is None else weight
        elif self._output is not None:
            if self._output.clipped:
                raise PolicyFileError(
                    f"the ONNX model clips before its operator {operator!r}; only actions are clipped"
                )
            bias = bias + _row(self._output.shift, weight.shape[0], operator) @ weight
            weight = _row(self._output.scale, weight.shape[0], operator)[:, None] * weight
            self._output = None
        elif self._open:
            weight, bias = self._product(weight, bias, operator)
        self._weights.append(np.array(weight))
        self._biases.append(np.array(bias))
        self._norms.append(False)

    def _product(self, weight: F64, bias: F64, operator: str) -> tuple[F64, F64]:
        """The last layer and one that follows it without an activation, as one layer."""
        last, first = self._weights.pop(), self._biases.pop()
        if self._norms.pop() or last.shape[0] * weight.shape[1] > _LARGEST_PRODUCT:
            raise _shape(operator, weight)
        return last @ weight, first @ weight + bias

    def _take_input(self, weight: F64) -> F64:
        """Make a normaliser of what came before the first layer, or return the bias that it amounts to."""
        before, size = self._input, weight.shape[0]
        for values in (before.scale, before.shift, before.low, before.high):
            _row(values, size, "first layer")
        if not before.clipped:
            return _row(before.shift, size, "first layer") @ weight
        if not (np.allclose(before.low, -CLIP) and np.allclose(before.high, CLIP)):
            raise PolicyFileError(
                f"the ONNX model clips its observations to {before.low.min():g} and {before.high.max():g}; "
                f"policies here clip them to -{CLIP:g} and {CLIP:g}"
            )
        scale = np.abs(_row(before.scale, size, "first layer"))
        if (before.scale < 0.0).any():
            raise PolicyFileError(
                "the ONNX model turns the sign of its observations round before it clips them"
            )
        self._mean = -_row(before.shift, size, "first layer") / scale
        self._var = np.maximum(scale**-2.0 - EPSILON, 0.0)
        return np.zeros(weight.shape[1])

    def _layer_norm(self, step: Step) -> None:
        gain, bias = step.constants.get(1, np.zeros(0)), step.constants.get(2, np.zeros(1))
        if not self._open or self._biases[-1].any() or self._output is not None:
            raise PolicyFileError("the ONNX model normalises what is not the bare sums of a layer")
        plain = (gain == 1.0).all() and gain.size > 0 and step.attributes.get("axis", -1.0) in (-1.0, 1.0)
        if not plain or not np.isclose(step.attributes.get("epsilon", 1e-5), NORM_EPSILON):
            raise PolicyFileError(
                "the ONNX model's LayerNormalization has gains or another epsilon than 1e-5"
            )
        self._biases[-1] = _row(bias, self._weights[-1].shape[1], "LayerNormalization")
        self._norms[-1] = True

    def _activate(self, step: Step) -> None:
        if (
            not self._open
            or self._output is not None
            or (step.operator == "Elu" and step.attributes.get("alpha", 1.0) != 1.0)
        ):
            raise PolicyFileError(f"the operator {step.operator!r} of the ONNX model does not follow a layer")
        self._activations.append(_ACTIVATIONS[step.operator])

    def _arithmetic(self, step: Step) -> None:
        if len(step.constants) != 1:
            raise PolicyFileError(
                f"the operator {step.operator!r} of the ONNX model has no constant beside its input"
            )
        value = next(iter(step.constants.values()))
        value = (
            value.reshape(-1)
            if value.ndim and value.size == value.shape[-1]
            else value.reshape(value.shape or 1)
        )
        if value.ndim != 1:
            raise _shape(step.operator, value)
        if step.operator == "Div" and step.place == 1:
            raise PolicyFileError("the operator 'Div' of the ONNX model divides by the observations")
        swapped = step.operator == "Sub" and step.place == 1
        with np.errstate(divide="ignore"):
            scale, shift = {
                "Add": (np.ones(1), value),
                "Sub": (np.full(1, -1.0 if swapped else 1.0), value if swapped else -value),
                "Mul": (value, np.zeros(1)),
                "Div": (1.0 / value, np.zeros(1)),
            }[step.operator]
        if self._open and self._output is None and not self._norms[-1]:
            size = self._weights[-1].shape[1]
            scale, shift = _row(scale, size, step.operator), _row(shift, size, step.operator)
            self._weights[-1], self._biases[-1] = self._weights[-1] * scale, self._biases[-1] * scale + shift
            return
        self._present().map(scale, shift, step.operator)

    def _limit(self, step: Step) -> None:
        limits = {place: value.reshape(-1) for place, value in step.constants.items()}
        if step.operator == "Clip":
            if step.place != 0 or "min" in step.attributes or "max" in step.attributes:
                raise PolicyFileError("the operator 'Clip' of the ONNX model is that of an opset before 11")
            low, high = limits.get(1, np.full(1, -np.inf)), limits.get(2, np.full(1, np.inf))
        else:
            if len(limits) != 1:
                raise PolicyFileError(
                    f"the operator {step.operator!r} of the ONNX model has {len(limits)} limits"
                )
            value = next(iter(limits.values()))
            free = np.full(1, np.inf)
            low, high = (value, free) if step.operator == "Max" else (-free, value)
        self._present().clip(low, high)

    def _present(self) -> _Affine:
        """Where an operation goes that is no part of a layer."""
        if not self._weights:
            return self._input
        if self._output is None:
            self._output = _Affine()
        return self._output

    def network(self) -> Network:
        """The layers, without what follows the last.

        Raises:
            PolicyFileError: there is none, or they are not alike.
        """
        if not self._weights:
            raise PolicyFileError(
                "the ONNX model has no layer: neither Gemm nor MatMul; choose a policy's model"
            )
        last = len(self._weights) - 1
        hidden, tail = set(self._activations[:last]), self._activations[last:]
        if len(hidden) > 1 or tail not in ([], ["tanh"]):
            raise PolicyFileError(
                f"the ONNX model has the activations {', '.join(self._activations)}; hidden layers have one "
                f"and the same, and the last one none or tanh"
            )
        norms = set(self._norms[:last])
        if len(norms) > 1 or self._norms[last]:
            raise PolicyFileError("the ONNX model normalises some of its layers and others not")
        return Network(
            self._weights,
            self._biases,
            next(iter(hidden), None),
            layer_norm=True in norms,
            mean=self._mean,
            var=self._var,
            squash="tanh" if tail else "none",
        )

    def in_units_of(self, network: Network, task: TaskSpec) -> Network:
        """The network with what follows its last layer folded in, or found to be the task's own mapping.

        Raises:
            PolicyFileError: it clips or stretches otherwise than the task.
        """
        after = self._output or _Affine()
        low, high = np.array(task.action_low), np.array(task.action_high)
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        slack = _TOLERANCE * half
        size = len(low)
        lowest, highest = _row(after.low, size, "Clip"), _row(after.high, size, "Clip")
        if (lowest > low + slack).any() or (highest < high - slack).any():
            raise PolicyFileError(
                f"the ONNX model keeps its actions within {lowest.max():g} and {highest.min():g}, and task "
                f"{task.id} allows {low[0]:g} to {high[0]:g}; export it in the task's units"
            )
        scale, shift = _row(after.scale, size, "Mul"), _row(after.shift, size, "Add")
        if network.squash == "none":
            weights = [*network.weights[:-1], network.weights[-1] * scale]
            biases = [*network.biases[:-1], network.biases[-1] * scale + shift]
            return Network(weights, biases, network.activation, network.layer_norm, network.mean, network.var)
        if (np.abs(scale - half) > slack).any() or (np.abs(shift - middle) > slack).any():
            raise PolicyFileError(
                f"the ONNX model stretches the tanh of its actions by {scale[0]:g}, and task {task.id} by "
                f"{half[0]:g}; export it in the task's units"
            )
        return network


def _row(values: F64, size: int, operator: str) -> F64:
    """Numbers for each of so many units: one for all, or one each."""
    flat = values.reshape(-1)
    if flat.size not in (1, size):
        raise _shape(operator, values)
    row: F64 = np.broadcast_to(flat, (size,))
    return row


def _shape(operator: str, values: F64) -> PolicyFileError:
    return PolicyFileError(
        f"the operator {operator!r} of the ONNX model has a constant of shape {values.shape}, "
        f"which does not fit there"
    )
