"""Policies of other programs: what can act is read as data, and everything else is one clear message."""

import base64
import contextlib
import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from tabrl_py.errors import PolicyFileError
from tabrl_py.policy import load_policy, save_policy
from tabrl_py.policy.imports.pickles import Made, Symbol, read_pickle
from tabrl_py.policy.imports.read import import_policy

FIXTURES = Path(__file__).parents[1] / "fixtures/stable_baselines3"
MODEL = (FIXTURES / "model.zip").read_bytes()
STATISTICS = (FIXTURES / "vec_normalize.pkl").read_bytes()
CHEETAH, OBS, ACTIONS = "HalfCheetah-v5", 17, 6
RNG = np.random.default_rng(1)
W0, B0, W1, B1 = (
    RNG.normal(0, 0.4, shape).astype(np.float32) for shape in ((OBS, 8), 8, (8, ACTIONS), ACTIONS)
)

Node = tuple[str, Sequence[str], str]


def onnx_model(
    nodes: Sequence[Node | onnx.NodeProto],
    constants: dict[str, Any],
    *,
    inputs: Sequence[str] = ("obs",),
    outputs: Sequence[str] = ("out",),
) -> bytes:
    """A graph of operators by name, inputs and output, with float32 constants."""
    made = [
        node if isinstance(node, onnx.NodeProto) else helper.make_node(node[0], list(node[1]), [node[2]])
        for node in nodes
    ]
    graph = helper.make_graph(
        made,
        "test",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", OBS]) for name in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", ACTIONS]) for name in outputs],
        [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


LAYERS = {"w0": W0, "b0": B0, "w1": W1, "b1": B1}
MIDDLE: list[Node] = [
    ("Gemm", ["x", "w0", "b0"], "s"),
    ("Tanh", ["s"], "h"),
    ("Gemm", ["h", "w1", "b1"], "y"),
]
MEAN, STD = RNG.normal(0, 1, OBS), RNG.uniform(0.2, 2, OBS)
CHAINS: dict[str, tuple[list[Node], dict[str, Any]]] = {
    "gemm": ([("Identity", ["obs"], "x"), *MIDDLE, ("Clip", ["y", "lo", "hi"], "out")], {"lo": -1, "hi": 1}),
    "normaliser with a clip": (
        [
            ("Sub", ["obs", "m"], "c"),
            ("Div", ["c", "sd"], "d"),
            ("Clip", ["d", "lo", "hi"], "x"),
            *MIDDLE,
            ("Identity", ["y"], "out"),
        ],
        {"m": MEAN, "sd": STD, "lo": -10, "hi": 10},
    ),
    "normaliser without a clip": (
        [("Sub", ["obs", "m"], "c"), ("Mul", ["c", "sd"], "x"), *MIDDLE, ("Identity", ["y"], "out")],
        {"m": MEAN, "sd": 1 / STD},
    ),
    "matmul and add": (
        [
            ("MatMul", ["obs", "w0"], "p"),
            ("Add", ["b0", "p"], "q"),
            ("Relu", ["q"], "h"),
            ("MatMul", ["h", "w1"], "r"),
            ("Add", ["r", "b1"], "y"),
            ("Div", ["y", "two"], "out"),
        ],
        {"two": 2},
    ),
    "squashed": (
        [("Flatten", ["obs"], "x"), *MIDDLE, ("Tanh", ["y"], "t"), ("Mul", ["t", "one"], "out")],
        {"one": np.ones((1, ACTIONS))},
    ),
    "limits one by one": (
        [
            ("Sub", ["m", "obs"], "x"),
            *MIDDLE,
            ("Max", ["lo", "y"], "a"),
            ("Min", ["a", "hi"], "b"),
            ("Clip", ["b", "wide", "hi"], "out"),
        ],
        {"m": MEAN, "lo": [-1] * ACTIONS, "hi": 1, "wide": -5},
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_perceptron_of_another_program_acts_as_it_does_there(name: str) -> None:
    nodes, constants = CHAINS[name]
    data = onnx_model(nodes, {**LAYERS, **constants})
    obs = (3 * RNG.standard_normal((64, OBS))).astype(np.float32)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, {"obs": obs})
    policy = import_policy(data, CHEETAH)
    np.testing.assert_allclose(policy.act(obs), np.clip(theirs, -1, 1), rtol=0, atol=2e-5)
    assert load_policy(save_policy(policy)).task == CHEETAH


def bad(
    nodes: Sequence[Node | onnx.NodeProto], constants: dict[str, Any] | None = None, **more: Sequence[str]
) -> bytes:
    return onnx_model(nodes, {**LAYERS, **(constants or {})}, **more)


def external() -> bytes:
    model = onnx.load_from_string(bad([("MatMul", ["obs", "w0"], "out")]))
    tensor = next(each for each in model.graph.initializer if each.name == "w0")
    tensor.data_location = TensorProto.EXTERNAL
    return bytes(model.SerializeToString())


FOREIGN_GRAPHS: dict[str, tuple[Callable[[], bytes], str]] = {
    "convolution": (lambda: bad([("Conv", ["obs", "w0"], "out")]), "operator 'Conv'"),
    "recurrent": (lambda: bad([("LSTM", ["obs", "w0", "w0"], "out")]), "operator 'LSTM'"),
    "another domain": (
        lambda: bad([helper.make_node("Gelu", ["obs"], ["out"], domain="com.microsoft")]),
        r"operator 'com\.microsoft\.Gelu'",
    ),
    "two inputs": (lambda: bad([("Add", ["obs", "more"], "out")], inputs=("obs", "more")), "has 2 inputs"),
    "two outputs": (lambda: bad([("Tanh", ["obs"], "out")], outputs=("out", "value")), "has 2 outputs"),
    "a branch": (lambda: bad([("Mul", ["obs", "obs"], "out")]), "branches at its operator Mul"),
    "no layer": (lambda: bad([("Identity", ["obs"], "out")]), "has no layer"),
    "other clip": (
        lambda: bad(
            [("Clip", ["obs", "lo", "hi"], "x"), *MIDDLE, ("Identity", ["y"], "out")], {"lo": -5, "hi": 5}
        ),
        "clips its observations to -5 and 5",
    ),
    "tight clip": (
        lambda: bad(
            [("Identity", ["obs"], "x"), *MIDDLE, ("Clip", ["y", "lo", "hi"], "out")], {"lo": -0.5, "hi": 0.5}
        ),
        "keeps its actions within -0.5 and 0.5",
    ),
    "stretched": (
        lambda: bad(
            [("Identity", ["obs"], "x"), *MIDDLE, ("Tanh", ["y"], "t"), ("Mul", ["t", "k"], "out")], {"k": 3}
        ),
        "stretches the tanh of its actions by 3",
    ),
    "relu at the end": (
        lambda: bad([("Identity", ["obs"], "x"), *MIDDLE, ("Relu", ["y"], "out")]),
        "the last one none or tanh",
    ),
    "not finite": (
        lambda: bad([("Gemm", ["obs", "bad", "b1"], "out")], {"bad": np.full((OBS, ACTIONS), np.nan)}),
        "not finite",
    ),
    "no such robot": (
        lambda: bad([("Gemm", ["obs", "odd", "b0"], "out")], {"odd": np.ones((5, 8))}),
        "no task",
    ),
    "wrong shape": (lambda: bad([("Gemm", ["obs", "w0", "b1"], "out")]), "does not fit there"),
    "weights elsewhere": (external, "lies in another file"),
}


@pytest.mark.parametrize("name", FOREIGN_GRAPHS)
def test_a_foreign_graph_is_refused_by_what_is_foreign_in_it(name: str) -> None:
    make, words = FOREIGN_GRAPHS[name]
    with pytest.raises(PolicyFileError, match=words):
        import_policy(make(), CHEETAH)


def test_what_fits_several_tasks_asks_which() -> None:
    data = onnx_model([("Gemm", ["obs", "w", "b1"], "out")], {"w": np.ones((OBS, ACTIONS)), "b1": B1})
    with pytest.raises(PolicyFileError, match=r"as .*Walker2d-v5.* have; choose one of these"):
        import_policy(data)
    assert import_policy(data, "Walker2d-v5").task == "Walker2d-v5"


# Stable-Baselines3.


def test_a_ppo_archive_has_the_numbers_that_were_trained() -> None:
    policy = import_policy(MODEL, CHEETAH, STATISTICS)
    assert (policy.task, policy.sizes, policy.activation) == (CHEETAH, (OBS, 64, 64, ACTIONS), "tanh")
    assert policy.steps >= 2048
    assert policy.obs_mean is not None
    assert policy.obs_mean.shape == (OBS,)
    assert import_policy(MODEL, CHEETAH).obs_mean is None


def rezipped(change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The fixture's archive with other entries."""
    with zipfile.ZipFile(io.BytesIO(MODEL)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


def with_settings(**changes: object) -> bytes:
    def change(entries: dict[str, bytes]) -> None:
        entries["data"] = json.dumps({**json.loads(entries["data"]), **changes}).encode()

    return rezipped(change)


def with_entry(name: str, data: bytes) -> bytes:
    return rezipped(lambda entries: entries.__setitem__(name, data))


def with_pickle(data: bytes) -> bytes:
    """The archive with another pickle in its policy.pth."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("policy/data.pkl", data)
    return with_entry("policy.pth", inner.getvalue())


def too_large() -> bytes:
    """A few kilobytes that would inflate to 200 MB."""
    return with_entry("policy.pth", bytes(200_000_000))


ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "SAC": (lambda: (FIXTURES / "other_policy.zip").read_bytes(), r"stable_baselines3\.sac\.policies"),
    "not a zip": (lambda: b"PK\x03\x04" + bytes(100), "no zip archive"),
    "cut short": (lambda: MODEL[: len(MODEL) // 2], "no zip archive|not one of Stable"),
    "another zip": (
        lambda: rezipped(lambda entries: entries.__delitem__("policy.pth")),
        "not one of Stable-Baselines3",
    ),
    "zip bomb": (too_large, "200000000 bytes; at most"),
    "settings of noise": (lambda: with_entry("data", b"\xff\xfe{"), "not JSON"),
    "settings of depth": (lambda: with_entry("data", b"[" * 200_000), "not JSON"),
    "gSDE": (lambda: with_settings(use_sde=True), "gSDE"),
    "activation": (
        lambda: with_settings(policy_kwargs={"activation_fn": "<class 'torch.nn.modules.activation.GELU'>"}),
        "activation GELU",
    ),
    "other bounds": (
        lambda: with_settings(action_space={"low_repr": "-2.0", "high_repr": "2.0"}),
        "action bound of -2",
    ),
    "policy of noise": (lambda: with_entry("policy.pth", os.urandom(100)), "no zip archive"),
    "endless pickle": (lambda: with_pickle(b"\x80\x02" + b"N" * 300_000 + b"."), "more than 200000 opcodes"),
    "unknown opcode": (lambda: with_pickle(b"\x80\x02\x97."), "opcode"),
    "torn pickle": (lambda: with_pickle(b"\x80\x02}q"), "breaks off"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_another_archive_is_refused_by_what_is_other_in_it(name: str) -> None:
    make, words = ARCHIVES[name]
    with pytest.raises(PolicyFileError, match=words):
        import_policy(make(), CHEETAH)


class Trap:
    """A pickle that would leave a file behind if anything in it were called."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.place}",)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_nothing_in_a_pickle_is_called(tmp_path: Path, protocol: int) -> None:
    place = tmp_path / "called"
    data = pickle.dumps({"obs_rms": Trap(place)}, protocol)
    found = read_pickle(data)["obs_rms"]
    assert isinstance(found, Made)
    assert isinstance(found.maker, Symbol)
    assert found.maker.name == "system"
    for archive, statistics in ((with_pickle(data), None), (MODEL, data)):
        with pytest.raises(PolicyFileError):
            import_policy(archive, CHEETAH, statistics)
    assert not place.exists()


def test_serialized_settings_are_never_opened(tmp_path: Path) -> None:
    """The base64 pickles beside the readable settings may hold anything."""
    place = tmp_path / "called"
    trap = base64.b64encode(pickle.dumps(Trap(place))).decode()
    data = with_settings(lr_schedule={":type:": "x", ":serialized:": trap})
    assert import_policy(data, CHEETAH).task == CHEETAH
    assert not place.exists()


def statistics(change: Callable[[dict[str, Any]], None]) -> bytes:
    """A VecNormalize's state in which something is different, pickled without its classes."""
    state = {"obs_rms": {"mean": np.zeros(OBS), "var": np.ones(OBS)}, "norm_obs": True, "clip_obs": 10.0}
    change(state)
    return pickle.dumps(state)


def test_statistics_that_are_none_are_refused() -> None:
    for data, words in (
        (statistics(lambda state: None), "not one that VecNormalize.save wrote"),
        (b"no pickle", "cannot be read as data"),
        (b"", "cannot be read as data"),
    ):
        with pytest.raises(PolicyFileError, match=words):
            import_policy(MODEL, CHEETAH, data)
    with pytest.raises(PolicyFileError, match="goes with a Stable-Baselines3 zip"):
        import_policy(onnx_model([("Identity", ["obs"], "out")], {}), CHEETAH, STATISTICS)


# Any bytes.

EXPORTED = onnx_model([("Identity", ["obs"], "x"), *MIDDLE, ("Identity", ["y"], "out")], LAYERS)
GENUINE = {"onnx": EXPORTED, "zip": MODEL}


@settings(max_examples=300, deadline=2000)
@given(
    kind=st.sampled_from(sorted(GENUINE)),
    spots=st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), min_size=1, max_size=20),
    end=st.none() | st.integers(0, 2**20),
)
def test_a_damaged_file_is_read_or_refused(kind: str, spots: list[tuple[int, int]], end: int | None) -> None:
    data = bytearray(GENUINE[kind])
    for spot, value in spots:
        data[spot % len(data)] = value
    with contextlib.suppress(PolicyFileError):
        import_policy(bytes(data if end is None else data[: end % len(data)]), CHEETAH)


@settings(max_examples=300, deadline=2000)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for beginning in (b"", b"PK\x03\x04", b"\x80\x04"):
        with contextlib.suppress(PolicyFileError):
            import_policy(beginning + data, CHEETAH)
    with contextlib.suppress(PolicyFileError):
        read_pickle(b"\x80\x04" + data + b".")
