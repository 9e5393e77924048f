"""A policy as an ONNX model: raw observations in, bounded actions out (docs/formats.md, "ONNX").

The file is written by hand, without the `onnx` package, so that the tab can write it too. Field numbers are
those of onnx.proto3 (https://github.com/onnx/onnx), IR version 8; operators are those of opset 17.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import tabrl_py
from tabrl_py.errors import PolicyFileError
from tabrl_py.nn.mlp import NORM_EPSILON, layer_views
from tabrl_py.nn.normalize import CLIP, EPSILON
from tabrl_py.policy import protobuf
from tabrl_py.policy.file import Policy, dump, policy_texts
from tabrl_py.tasks.spec import ObsField, TaskSpec
from tabrl_py.types import Float

IR_VERSION = 8
OPSET = 17
"""The first with LayerNormalization; onnxruntime reads it from 1.12 on."""
INPUT, OUTPUT = "obs", "actions"
OWN_KEY = "tabrl"
"""Of metadata_props: the metadata of the policy's own file, as JSON."""

_FLOAT = 1
_ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu", "elu": "Elu"}


def write_onnx(policy: Policy, task: TaskSpec, actuators: Sequence[dict[str, Any]] = ()) -> bytes:
    """The model's bytes; equal policies give equal bytes.

    Args:
        policy: what acts.
        task: the one that it was trained for; its observation is described in the metadata.
        actuators: of the task's robot, as NAME.scene.json has them; without them the joints are not named.

    Raises:
        PolicyFileError: another number of actuators than of actions.
    """
    if actuators and len(actuators) != policy.sizes[-1]:
        raise PolicyFileError(
            f"the policy has {policy.sizes[-1]} actions, the robot {len(actuators)} actuators; "
            f"export with the robot of task {policy.task}"
        )
    graph = _Graph()
    _actions(graph, policy, _network(graph, policy, _normalised(graph, policy)))
    texts = _metadata(policy, task, actuators)
    entries = [protobuf.block(1, key) + protobuf.block(2, value) for key, value in texts.items()]
    return b"".join(
        [
            protobuf.number(1, IR_VERSION),
            protobuf.block(2, "tabrl"),
            protobuf.block(3, tabrl_py.__version__),
            protobuf.block(7, graph.message(policy.sizes[0], policy.sizes[-1])),
            protobuf.block(8, protobuf.block(1, "") + protobuf.number(2, OPSET)),
            protobuf.blocks(14, entries),
        ]
    )


class _Graph:
    """Collects nodes and constants; values are float32."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, name: str, values: Float | float) -> str:
        """Add a constant tensor; its name."""
        array = np.asarray(values, dtype="<f4")
        dims = b"".join(protobuf.number(1, size) for size in array.shape)
        rest = protobuf.number(2, _FLOAT) + protobuf.block(8, name) + protobuf.block(9, array.tobytes())
        self._constants.append(dims + rest)
        return name

    def node(self, operator: str, inputs: Sequence[str], output: str, attributes: bytes = b"") -> str:
        """Add an operation; the name of its result, which is also its own."""
        names = protobuf.blocks(1, inputs) + protobuf.block(2, output) + protobuf.block(3, output)
        self._nodes.append(names + protobuf.block(4, operator) + attributes)
        return output

    def message(self, obs_size: int, action_size: int) -> bytes:
        """The GraphProto."""
        return b"".join(
            [
                protobuf.blocks(1, self._nodes),
                protobuf.block(2, "policy"),
                protobuf.blocks(5, self._constants),
                protobuf.block(11, _value(INPUT, obs_size)),
                protobuf.block(12, _value(OUTPUT, action_size)),
            ]
        )


def _value(name: str, size: int) -> bytes:
    """A ValueInfoProto of a (batch, size) float32 tensor."""
    batch = protobuf.block(1, protobuf.block(2, "batch"))
    shape = batch + protobuf.block(1, protobuf.number(1, size))
    tensor = protobuf.number(1, _FLOAT) + protobuf.block(2, shape)
    return protobuf.block(1, name) + protobuf.block(2, protobuf.block(1, tensor))


def _normalised(graph: _Graph, policy: Policy) -> str:
    """Nodes for clip((obs - mean) / sqrt(var + EPSILON)); the name of the result."""
    mean, var = policy.obs_mean, policy.obs_var
    if mean is None or var is None:
        return INPUT
    # The mean in two parts: in float32 alone an observation with a small spread far from 0 would lose digits.
    coarse = mean.astype(np.float32)
    fine = mean - coarse.astype(np.float64)
    x = graph.node("Sub", [INPUT, graph.constant("obs_mean", coarse)], "obs_from_mean")
    x = graph.node("Sub", [x, graph.constant("obs_mean_rest", fine)], "obs_centred")
    x = graph.node("Div", [x, graph.constant("obs_spread", np.sqrt(var + EPSILON))], "obs_scaled")
    limits = [graph.constant("obs_low", -CLIP), graph.constant("obs_high", CLIP)]
    return graph.node("Clip", [x, *limits], "obs_normalised")


def _network(graph: _Graph, policy: Policy, x: str) -> str:
    """Nodes for the layers; the name of the last one's result."""
    layers = list(layer_views(policy.sizes, policy.params[: -policy.sizes[-1]]))
    for layer, (weight, bias) in enumerate(layers):
        last = layer == len(layers) - 1
        w = graph.constant(f"actor.{layer}.weight", weight)
        b = graph.constant(f"actor.{layer}.bias", bias)
        if last or not policy.layer_norm:
            x = graph.node("Gemm", [x, w, b], f"layer_{layer}")
        else:
            x = graph.node("MatMul", [x, w], f"sums_{layer}")
            gain = graph.constant(f"norm.{layer}.gain", np.ones(len(bias)))
            epsilon = protobuf.block(
                5,
                protobuf.block(1, "epsilon") + protobuf.real(2, NORM_EPSILON) + protobuf.number(20, 1),
            )
            x = graph.node("LayerNormalization", [x, gain, b], f"layer_{layer}", epsilon)
        if not last:
            x = graph.node(_ACTIVATIONS[policy.activation], [x], f"hidden_{layer}")
    return x


def _actions(graph: _Graph, policy: Policy, x: str) -> None:
    """Nodes for Policy.to_task: squash, clip to [-1, 1], map to the bounds, keep within them."""
    if policy.squash == "tanh":
        x = graph.node("Tanh", [x], "squashed")
    limits = [graph.constant("share_low", -1.0), graph.constant("share_high", 1.0)]
    low, high = (np.array(bound, np.float32) for bound in (policy.action_low, policy.action_high))
    if (low == -1.0).all() and (high == 1.0).all():
        graph.node("Clip", [x, *limits], OUTPUT)
        return
    x = graph.node("Clip", [x, *limits], "share")
    x = graph.node("Mul", [x, graph.constant("half_width", 0.5 * (high - low))], "stretched")
    x = graph.node("Add", [x, graph.constant("middle", 0.5 * (low + high))], "shifted")
    x = graph.node("Max", [x, graph.constant("action_low", low)], "above_low")
    graph.node("Min", [x, graph.constant("action_high", high)], OUTPUT)


def _metadata(policy: Policy, task: TaskSpec, actuators: Sequence[dict[str, Any]]) -> dict[str, str]:
    """The metadata_props: what mjlab writes into its exports and mjswan reads, and the policy's own.

    Layout: mjswan, src/mjswan/mjlab/onnx_meta.py: lists are joined with commas, parts of an entry with
    semicolons; an actuator's target angle is default_joint_pos + action_scale * action.
    """
    fields = task.observation
    texts = {
        "run_path": "tabrl",
        "command_names": "command" if task.command is not None else "",
        "observation_names": ",".join(field.name.replace(",", " ") for field in fields),
        "observation_terms_scale": _listed(field.scale for field in fields),
        "observation_terms_clip": ",".join(_clip(field) for field in fields),
        "observation_terms_history_length": ",".join("0" for _ in fields),
        "observation_terms_flatten_history_dim": ",".join("1" for _ in fields),
        "observation_terms": _described(fields),
        OWN_KEY: dump(policy_texts(policy)),
    }
    if actuators:
        texts["joint_names"] = ",".join(str(each["name"]).replace(",", " ") for each in actuators)
        texts["default_joint_pos"] = _listed(each["rest"] for each in actuators)
        servos = [each["servo"] for each in actuators]
        if all(servo is not None for servo in servos):
            texts["default_joint_pos"] = _listed(servo["target"] for servo in servos)
            texts["action_scale"] = _listed(servo["scale"] for servo in servos)
            texts["joint_stiffness"] = _listed(servo["stiffness"] for servo in servos)
            texts["joint_damping"] = _listed(servo["damping"] for servo in servos)
    return dict(sorted(texts.items()))


def _listed(values: Iterable[float]) -> str:
    return ",".join(f"{value + 0.0:.6g}" for value in values)


def _clip(field: ObsField) -> str:
    """Bounds before the scale is applied, as mjlab has them; TabRL clips afterwards."""
    if field.clip is None:
        return "-inf;inf"
    bound = abs(field.clip / field.scale)
    return f"{-bound:.6g};{bound:.6g}"


def _described(fields: Sequence[ObsField]) -> str:
    """What names alone do not say: where in mjData each number is read, as JSON."""
    keys = ("name", "source", "start", "stop", "unit", "fn", "scale", "clip")
    return json.dumps([{key: getattr(field, key) for key in keys} for field in fields], separators=(",", ":"))
