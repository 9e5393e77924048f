"""The policy file: round trips to the byte, and every kind of bad file is refused with a reason."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tabrl_py.errors import PolicyFileError, TabrlError
from tabrl_py.nn.mlp import parameter_count
from tabrl_py.policy import Policy, check_fits, load_policy, safetensors, save_policy
from tabrl_py.policy.bounds import ActionBounds
from tabrl_py.tasks import get_task

TASK = get_task("Hopper-v5")
SIZES = (TASK.obs_size, 8, 4, TASK.action_size)


def _policy(**changes: Any) -> Policy:
    rng = np.random.default_rng(0)
    policy = Policy(
        task=TASK.id,
        model=TASK.model,
        layout_version=TASK.layout_version,
        sizes=SIZES,
        activation="tanh",
        action_low=TASK.action_low,
        action_high=TASK.action_high,
        params=rng.standard_normal(parameter_count(SIZES) + SIZES[-1]).astype(np.float32),
        obs_mean=rng.standard_normal(SIZES[0]),
        obs_var=rng.random(SIZES[0]) + 0.1,
        obs_count=77.0,
        steps=1234,
        recipe={"task": TASK.id, "algo": {"gamma": 0.99}},
        evaluation={"return_mean": 5.25},
    )
    return replace(policy, **changes)


@pytest.mark.parametrize("normalized", [True, False])
def test_export_import_export_gives_the_same_bytes(normalized: bool) -> None:
    policy = _policy() if normalized else _policy(obs_mean=None, obs_var=None, evaluation=None)
    data = save_policy(policy)
    loaded = load_policy(data)
    assert save_policy(loaded) == data
    assert loaded.recipe == policy.recipe
    assert loaded.evaluation == policy.evaluation
    assert loaded.versions == policy.versions
    obs = np.random.default_rng(1).standard_normal((5, SIZES[0])).astype(np.float32)
    assert np.array_equal(loaded.act(obs), policy.act(obs))


def test_actions_are_the_mean_clipped_and_mapped_to_the_bounds() -> None:
    sizes = (1, 2)
    policy = _policy(
        sizes=sizes,
        params=np.array([1.0, 1.0, 0.0, 5.0, -1.0, -1.0], np.float32),  # W = [1, 1], b = [0, 5], log_std
        action_low=(-3.0, 0.0),
        action_high=(3.0, 1.0),
        obs_mean=np.array([2.0]),
        obs_var=np.array([4.0]),
    )
    # obs 3 is normalised to 0.5; the means are 0.5 and 5.5, clipped to 1
    assert policy.act(np.array([[3.0]]))[0] == pytest.approx([1.5, 1.0], abs=1e-6)


def test_a_squashed_policy_acts_by_tanh_and_its_file_says_so() -> None:
    policy = _policy(
        sizes=(1, 2),
        params=np.array([1.0, 1.0, 0.0, 5.0, -1.0, -1.0], np.float32),
        squash="tanh",
        action_low=(-3.0, 0.0),
        action_high=(3.0, 1.0),
        obs_mean=np.array([2.0]),
        obs_var=np.array([4.0]),
    )
    # as in the test before, but tanh(0.5) and tanh(5.5) instead of 0.5 and 1
    expected = [3.0 * np.tanh(0.5), 0.5 + 0.5 * np.tanh(5.5)]
    assert policy.act(np.array([[3.0]]))[0] == pytest.approx(expected, abs=1e-6)
    data = save_policy(policy)
    texts = safetensors.read(data)[1]
    assert (texts["format_version"], texts["squash"]) == ("2", "tanh")
    assert load_policy(data).squash == "tanh"
    assert save_policy(load_policy(data)) == data
    plain = safetensors.read(GOOD)[1]
    assert plain["format_version"] == "1"
    assert "squash" not in plain


def test_a_policy_with_normalised_layers_acts_by_them_and_its_file_says_so() -> None:
    policy = _policy(
        sizes=(1, 2, 1),
        # W = [2, 6], b = [0.5, 0]; the sums 1 and 3 of obs 0.5 become -1 and 1; then [1, 1] and 0; log_std
        params=np.array([2.0, 6.0, 0.5, 0.0, 1.0, 1.0, 0.0, -1.0], np.float32),
        layer_norm=True,
        action_low=(-1.0,),
        action_high=(1.0,),
        obs_mean=None,
        obs_var=None,
    )
    scale = 1.0 / np.sqrt(1.0 + 1e-5)
    expected = np.tanh(0.5 - scale) + np.tanh(scale)
    assert policy.act(np.array([[0.5]]))[0] == pytest.approx([expected], abs=1e-6)
    data = save_policy(policy)
    texts = safetensors.read(data)[1]
    assert texts["format_version"] == "2"
    assert json.loads(texts["network"]) == {"activation": "tanh", "hidden": [2], "layer_norm": True}
    assert load_policy(data).layer_norm
    assert save_policy(load_policy(data)) == data


LEARNING = {"adam_count": np.array(7.0), "params": np.arange(5, dtype=np.float32)}


def test_a_file_may_hold_what_learning_goes_on_from_and_says_so() -> None:
    data = save_policy(_policy(learning=LEARNING))
    tensors, texts = safetensors.read(data)
    assert texts["format_version"] == "3"
    assert tensors["learning.params"].tolist() == [0, 1, 2, 3, 4]
    loaded = load_policy(data)
    assert loaded.learning is not None
    assert loaded.learning["adam_count"] == 7.0
    assert save_policy(loaded) == data
    assert np.array_equal(loaded.act(np.ones((1, SIZES[0]))), _policy().act(np.ones((1, SIZES[0]))))
    assert load_policy(GOOD).learning is None


@given(
    hnp.arrays(np.float32, (4, 3), elements=st.floats(-1e6, 1e6, width=32)),
    st.lists(st.floats(-100, 100), min_size=3, max_size=3),
    st.lists(st.floats(0.01, 100), min_size=3, max_size=3),
)
def test_actions_never_leave_the_bounds(actions: np.ndarray, low: list[float], width: list[float]) -> None:
    high = [a + w for a, w in zip(low, width, strict=True)]
    mapped = ActionBounds(tuple(low), tuple(high)).to_task(actions, np.empty_like(actions))
    assert (mapped >= np.array(low, np.float32)).all()
    assert (mapped <= np.array(high, np.float32)).all()


def test_a_policy_fits_its_task_and_no_other() -> None:
    check_fits(_policy(), TASK)
    for other in ("HalfCheetah-v5", "humanoid-stand"):
        with pytest.raises(PolicyFileError, match="trained for Hopper-v5"):
            check_fits(_policy(), get_task(other))
    with pytest.raises(PolicyFileError, match="layout version 99"):
        check_fits(_policy(layout_version=99), TASK)
    with pytest.raises(PolicyFileError, match="action bounds"):
        check_fits(_policy(action_high=(2.0, 2.0, 2.0)), TASK)


def test_weights_may_begin_another_task_of_the_same_robot() -> None:
    walk, run = get_task("humanoid-walk"), get_task("humanoid-run")
    sizes = (walk.obs_size, 4, walk.action_size)
    policy = _policy(
        task=walk.id,
        model=walk.model,
        layout_version=walk.layout_version,
        sizes=sizes,
        params=np.zeros(parameter_count(sizes) + sizes[-1], np.float32),
        action_low=walk.action_low,
        action_high=walk.action_high,
    )
    check_fits(policy, run, same_task=False)
    with pytest.raises(PolicyFileError, match="drives the model"):
        check_fits(policy, get_task("humanoid-run-torque"), same_task=False)


def _edited(edit: Callable[[dict[str, Any]], None]) -> bytes:
    """A policy's file with its header changed."""
    data = save_policy(_policy())
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    edit(header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def _metadata(**entries: str) -> bytes:
    return _edited(lambda header: header["__metadata__"].update(entries))


def _weights(value: float) -> bytes:
    policy = _policy()
    policy.params[3] = value
    return save_policy(policy)


GOOD = save_policy(_policy())
BAD_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "0 bytes"),
    "a picture": (b"\x89PNG\r\n\x1a\n" * 40, "length of a header"),
    "cut in the header": (GOOD[:100], "cut short: its header"),
    "cut in the weights": (GOOD[:-1], "cut short: tensor"),
    "with more behind": (GOOD + b"\0", "1 bytes follow"),
    "header not JSON": ((16).to_bytes(8, "little") + b"{not json at all", "not JSON"),
    "header a list": ((2).to_bytes(8, "little") + b"[]", "not a table"),
    "deeply nested": ((100_000).to_bytes(8, "little") + b"[" * 100_000, "not JSON"),
    "a name twice": ((15).to_bytes(8, "little") + b'{"a":{},"a":{}}', "twice"),
    "another program's": (safetensors.write({"w": np.zeros(2, np.float32)}, {}), "not a TabRL policy"),
    "a checkpoint": (_metadata(format="tabrl-checkpoint"), "not a TabRL policy"),
    "of another version": (_metadata(format_version="2"), "format version 2"),
    "squashed, of version 1": (_metadata(squash="tanh"), "format version 1"),
    "normalised, of version 1": (
        _metadata(network='{"activation":"tanh","hidden":[8,4],"layer_norm":true}'),
        "format version 1",
    ),
    "normalised by what is no answer": (
        _metadata(network='{"activation":"tanh","hidden":[8,4],"layer_norm":2}', format_version="2"),
        "'network' is damaged",
    ),
    "squashed by what is unknown": (_metadata(squash="erf", format_version="2"), "'squash' is damaged"),
    "task missing": (_edited(lambda h: h["__metadata__"].pop("task")), "lacks the entry 'task'"),
    "network not JSON": (_metadata(network="{"), "'network' is damaged"),
    "network too large": (
        _metadata(network='{"hidden":[99999999],"activation":"tanh"}'),
        "'network' is damaged",
    ),
    "unknown activation": (_metadata(network='{"hidden":[8,4],"activation":"sine"}'), "'network' is damaged"),
    "other layers": (_metadata(network='{"hidden":[8,5],"activation":"tanh"}'), "expected"),
    "NaN in JSON": (_metadata(recipe='{"gamma":NaN}'), "'recipe' is damaged"),
    "bounds too few": (_metadata(action_low="[-1]"), "'action_low' is damaged"),
    "tensor missing": (_edited(lambda h: h.pop("log_std")), "12 bytes follow"),
    "unknown type": (_edited(lambda h: h["log_std"].update(dtype="F8")), "type 'F8'"),
    "wrong shape": (_edited(lambda h: h["log_std"].update(shape=[4])), "takes 16 bytes"),
    "negative shape": (_edited(lambda h: h["log_std"].update(shape=[-3])), "has the shape"),
    "overlap": (_edited(lambda h: h["log_std"].update(data_offsets=[0, 12])), "was due"),
    "learning, of version 1": (
        save_policy(_policy(learning=LEARNING)).replace(b'"format_version":"3"', b'"format_version":"1"'),
        "format version 1",
    ),
    "learning of what is no real number": (
        save_policy(_policy(learning={"params": np.ones(2, np.int64)})),
        "not of real numbers",
    ),
    "learning NaN": (save_policy(_policy(learning={"params": np.array([np.nan])})), "not finite"),
    "weights NaN": (_weights(float("nan")), "not finite"),
    "weights infinite": (_weights(float("inf")), "not finite"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_with_its_reason(name: str) -> None:
    data, reason = BAD_FILES[name]
    with pytest.raises(PolicyFileError, match=reason):
        load_policy(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_politely(data: bytes) -> None:
    with pytest.raises(PolicyFileError):
        load_policy(data)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_read_never_worse(at: int, flip: int) -> None:
    data = bytearray(GOOD)
    data[at] ^= flip
    try:
        load_policy(bytes(data))
    except TabrlError as error:
        assert str(error)  # noqa: PT017 - both outcomes are right; anything else would fail the test


NAMES = st.text(min_size=1, max_size=12).filter(lambda name: name != "__metadata__")
ARRAYS = st.one_of(
    *(
        hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
        for dtype in (np.float64, np.int64, np.float32, np.bool_, np.uint8)
    )
)


@given(st.dictionaries(NAMES, ARRAYS, max_size=5), st.dictionaries(st.text(), st.text(), max_size=4))
def test_tensors_survive_the_container(tensors: dict[str, Any], metadata: dict[str, str]) -> None:
    data = safetensors.write(tensors, metadata)
    read, texts = safetensors.read(data)
    assert texts == metadata
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.dtype
        assert read[name].shape == tensor.shape
        assert read[name].tobytes() == tensor.tobytes()
    assert safetensors.write(read, texts) == data


def test_the_bytes_do_not_depend_on_the_order_of_insertion() -> None:
    tensors: safetensors.Tensors = {
        "b": np.zeros(3, np.float32),
        "a": np.ones(2),
        "c": np.ones(1, np.float32),
    }
    backwards = dict(reversed(tensors.items()))
    assert safetensors.write(tensors, {"x": "1", "y": "2"}) == safetensors.write(
        backwards, {"y": "2", "x": "1"}
    )


def test_the_layout_is_that_of_the_format() -> None:
    data = safetensors.write({"t": np.array([[1.0, 2.0]], np.float32)}, {"k": "v"})
    length = int.from_bytes(data[:8], "little")
    assert length % 8 == 0
    header = json.loads(data[8 : 8 + length])
    assert header == {
        "__metadata__": {"k": "v"},
        "t": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]},
    }
    assert np.frombuffer(data[8 + length :], "<f4").tolist() == [1.0, 2.0]
