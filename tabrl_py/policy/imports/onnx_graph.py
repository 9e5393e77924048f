"""An ONNX file as a chain of operations, each on the result of the one before; what branches is refused.

Field numbers are those of onnx.proto3 (https://github.com/onnx/onnx).
"""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from tabrl_py.errors import PolicyFileError
from tabrl_py.policy import protobuf
from tabrl_py.policy.protobuf import Fields
from tabrl_py.types import F64

MOST_PARTS = 200
"""Operations, constants, inputs, entries of the metadata: a perceptron of the largest kind has some forty."""
LARGEST_RANK = 4
LARGEST_SIDE = 1_000_000
"""Of a tensor."""
_TENSOR_TYPES = {1: "<f4", 11: "<f8"}
"""float and double, of TensorProto.DataType."""
_EXTERNAL = 1
_CONSTANT = "Constant"


@dataclass(frozen=True)
class Step:
    """One operation of the chain.

    Attributes:
        operator: its name, for example Gemm.
        constants: its other inputs, by place; the chain's own is missing.
        place: of the chain's value among its inputs.
        attributes: numbers by name; others are left out.
    """

    operator: str
    constants: dict[int, F64]
    place: int
    attributes: dict[str, float]


@dataclass(frozen=True)
class Chain:
    """A graph with one input, one output, and one way between them.

    Attributes:
        steps: in order.
        metadata: the file's metadata_props.
    """

    steps: list[Step]
    metadata: dict[str, str]


def read_chain(data: bytes, known: Collection[str]) -> Chain:
    """The chain of an ONNX file.

    Args:
        data: the file.
        known: names of the operators that the caller understands.

    Raises:
        PolicyFileError: it is no ONNX file, it has another operator, or its graph is no chain with constants.
    """
    model = protobuf.read(memoryview(data))
    graphs = protobuf.messages(model, 7, 1)
    if len(graphs) != 1:
        raise PolicyFileError("the file is not an ONNX model: it holds no graph; choose another file")
    if model.get(25):
        raise PolicyFileError("the ONNX model has functions of its own; export it with them inlined")
    entries = protobuf.messages(model, 14, MOST_PARTS)
    metadata = {protobuf.text(entry, 1): protobuf.text(entry, 2) for entry in entries}
    return Chain(list(_steps(graphs[0], known)), metadata)


def _steps(graph: Fields, known: Collection[str]) -> Iterator[Step]:
    nodes = protobuf.messages(graph, 1, MOST_PARTS)
    _check_operators(nodes, known)
    constants = {protobuf.text(tensor, 8): tensor for tensor in protobuf.messages(graph, 5, MOST_PARTS)}
    current, end = _ends(graph, constants)
    for node in nodes:
        operator, names, results = protobuf.text(node, 4), _texts(node, 1), _texts(node, 2)
        if operator == _CONSTANT and not names and len(results) == 1:
            constants[results[0]] = _constant(node)
            continue
        others = {k: name for k, name in enumerate(names) if name and name != current}
        unknown = [name for name in others.values() if name not in constants]
        if unknown or names.count(current) != 1 or len(results) != 1:
            raise PolicyFileError(
                f"the ONNX graph branches at its operator {operator}; only a chain of layers can be imported"
            )
        values = {k: _numbers(constants[name], name) for k, name in others.items()}
        yield Step(operator, values, names.index(current), _attributes(node))
        current = results[0]
    if current != end:
        raise PolicyFileError(f"the ONNX graph ends in {current[:40]!r} and not in its output {end[:40]!r}")


def _check_operators(nodes: list[Fields], known: Collection[str]) -> None:
    for node in nodes:
        operator, domain = protobuf.text(node, 4), protobuf.text(node, 7)
        if domain not in ("", "ai.onnx") or operator not in (*known, _CONSTANT):
            name = f"{domain}.{operator}".strip(".")[:60]
            raise PolicyFileError(
                f"the ONNX model has the operator {name!r}, which is not in a perceptron; "
                f"known are {', '.join(known)}"
            )


def _ends(graph: Fields, constants: Collection[str]) -> tuple[str, str]:
    """The names of the one input that is no constant, and of the one output."""
    inputs = [name for name in _value_names(graph, 11) if name not in constants]
    outputs = _value_names(graph, 12)
    for what, names, meant in (("inputs", inputs, "observations"), ("outputs", outputs, "actions")):
        if len(names) != 1:
            raise PolicyFileError(
                f"the ONNX graph has {len(names)} {what} ({', '.join(names)[:80]}); a policy has one, "
                f"the {meant}: export it so"
            )
    return inputs[0], outputs[0]


def _value_names(graph: Fields, field: int) -> list[str]:
    return [protobuf.text(value, 1) for value in protobuf.messages(graph, field, MOST_PARTS)]


def _texts(node: Fields, field: int) -> list[str]:
    return [protobuf.text({field: [value]}, field) for value in node.get(field, [])]


def _attributes(node: Fields) -> dict[str, float]:
    """Those that are a float or a whole number."""
    found = {}
    for attribute in protobuf.messages(node, 5, MOST_PARTS):
        kind = protobuf.integer(attribute, 20)
        if kind == 1:
            found[protobuf.text(attribute, 1)] = protobuf.floating(attribute, 2, 0.0)
        elif kind == 2:
            found[protobuf.text(attribute, 1)] = float(protobuf.integer(attribute, 3))
    return found


def _constant(node: Fields) -> Fields:
    """The TensorProto in a Constant."""
    for attribute in protobuf.messages(node, 5, MOST_PARTS):
        if protobuf.text(attribute, 1) == "value" and attribute.get(5):
            return protobuf.messages(attribute, 5, 1)[0]
    raise PolicyFileError("the ONNX graph has a Constant that is no tensor; export it with plain weights")


def _numbers(tensor: Fields, name: str) -> F64:
    """The numbers of a TensorProto."""
    kind, shape = protobuf.integer(tensor, 2), protobuf.integers(tensor, 1, LARGEST_RANK)
    what = f"the tensor {name[:60]!r} of the ONNX model"
    if kind not in _TENSOR_TYPES:
        raise PolicyFileError(f"{what} has the data type {kind}; float32 is read: export it so")
    if protobuf.integer(tensor, 14) == _EXTERNAL:
        raise PolicyFileError(f"{what} lies in another file; export the model as one file")
    dtype = np.dtype(_TENSOR_TYPES[kind])
    raw = protobuf.data(tensor, 9) or protobuf.data(tensor, 4 if kind == 1 else 10)
    count = len(raw) // dtype.itemsize
    if any(not 0 <= n <= LARGEST_SIDE for n in shape) or count != math.prod(shape):
        raise PolicyFileError(f"{what} has the shape {shape} and {count} numbers; export it again")
    numbers = np.frombuffer(raw[: count * dtype.itemsize], dtype).astype(np.float64)
    return numbers.reshape(shape)
