"""A policy as ONNX and as JSON: other programs act as it does, and learn what its numbers are."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from tabrl_py.cli import main
from tabrl_py.errors import PolicyFileError
from tabrl_py.nn.mlp import layer_views, parameter_count
from tabrl_py.policy import Policy, load_policy
from tabrl_py.policy.exports import export_policy
from tabrl_py.policy.imports.read import import_policy
from tabrl_py.policy.onnx import OPSET
from tabrl_py.sim.models import actuators_of
from tabrl_py.tasks import get_task
from tabrl_py.types import F32

SHIPPED = sorted((Path(__file__).parents[2] / "web/policies").glob("*.safetensors"))


def policy_of(task_id: str, seed: int = 0, hidden: tuple[int, ...] = (32, 16)) -> Policy:
    """A policy with random weights that saturate some of its actions."""
    task, rng = get_task(task_id), np.random.default_rng(seed)
    sizes = (task.obs_size, *hidden, task.action_size)
    params = np.zeros(parameter_count(sizes) + task.action_size, np.float32)
    for weight, bias in layer_views(sizes, params[: -task.action_size]):
        weight[...] = rng.normal(0.0, 1.0 / np.sqrt(len(weight)), weight.shape)
        bias[...] = rng.normal(0.0, 0.3, bias.shape)
    return Policy(
        task=task.id,
        model=task.model,
        layout_version=task.layout_version,
        sizes=sizes,
        activation="tanh",
        action_low=task.action_low,
        action_high=task.action_high,
        params=params,
        obs_mean=rng.normal(0.0, 3.0, task.obs_size),
        obs_var=rng.uniform(1e-7, 2.0, task.obs_size),
        obs_count=10.0,
        steps=7,
        recipe={"task": task.id, "seed": 3},
    )


def observations(policy: Policy, rows: int = 256) -> F32:
    """Raw observations, some of them far outside what the policy has seen."""
    rng = np.random.default_rng(5)
    mean = np.zeros(policy.sizes[0]) if policy.obs_mean is None else policy.obs_mean
    spread = np.ones(policy.sizes[0]) if policy.obs_var is None else np.sqrt(policy.obs_var)
    wide = rng.choice([1.0, 1.0, 1.0, 30.0], size=(rows, 1))
    obs: F32 = (mean + spread * wide * rng.standard_normal((rows, policy.sizes[0]))).astype(np.float32)
    return obs


def run(data: bytes, obs: F32) -> F32:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    actions: F32 = session.run(["actions"], {"obs": obs})[0]
    return actions


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_policy_acts_the_same_in_onnxruntime(path: Path) -> None:
    policy = load_policy(path.read_bytes())
    obs = observations(policy)
    np.testing.assert_allclose(run(export_policy(policy, "onnx"), obs), policy.act(obs), rtol=0, atol=1e-5)


@pytest.mark.parametrize("task_id", ["Humanoid-v5", "InvertedPendulum-v5", "humanoid-walk"])
@pytest.mark.parametrize("activation", ["tanh", "relu", "elu"])
@pytest.mark.parametrize("squash", ["none", "tanh"])
@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("normalised", [False, True])
def test_every_kind_of_policy_acts_the_same_and_comes_back(
    task_id: str, activation: str, squash: str, layer_norm: bool, normalised: bool
) -> None:
    policy = replace(policy_of(task_id), activation=activation, squash=squash, layer_norm=layer_norm)
    if not normalised:
        policy = replace(policy, obs_mean=None, obs_var=None, obs_count=0.0)
    data, obs = export_policy(policy, "onnx"), observations(policy)
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)
    expected = policy.act(obs)
    found = run(data, obs)
    tolerance = 1e-5 * max(1.0, policy.action_high[0])
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    assert (found >= np.array(policy.action_low, np.float32)).all()
    assert (found <= np.array(policy.action_high, np.float32)).all()
    back = import_policy(data)
    np.testing.assert_allclose(back.act(obs), expected, rtol=0, atol=tolerance)
    assert (back.task, back.steps, back.recipe) == (policy.task, policy.steps, policy.recipe)
    assert (back.layer_norm, back.squash, back.activation) == (layer_norm, squash, activation)


def test_a_policy_without_hidden_layers() -> None:
    policy = policy_of("HalfCheetah-v5", hidden=())
    data, obs = export_policy(policy, "onnx"), observations(policy)
    np.testing.assert_allclose(run(data, obs), policy.act(obs), rtol=0, atol=1e-5)
    np.testing.assert_allclose(import_policy(data).act(obs), policy.act(obs), rtol=0, atol=1e-5)


def test_metadata_is_what_mjswan_reads() -> None:
    """A servo's target is default_joint_pos + action_scale * action; lists are joined with commas."""
    policy = policy_of("humanoid-walk")
    task, actuators = get_task("humanoid-walk"), actuators_of(policy.model)
    model = onnx.load_from_string(export_policy(policy, "onnx", actuators))
    assert model.opset_import[0].version == OPSET
    texts = {entry.key: entry.value for entry in model.metadata_props}
    lists = {key: texts[key].split(",") for key in texts if key != "tabrl"}
    assert len(lists["joint_names"]) == policy.sizes[-1]
    assert lists["observation_names"] == [field.name.replace(",", " ") for field in task.observation]
    for key in ("scale", "clip", "history_length", "flatten_history_dim"):
        assert len(lists[f"observation_terms_{key}"]) == len(task.observation)
    assert all(len(entry.split(";")) == 2 for entry in lists["observation_terms_clip"])
    servo = actuators[0]["servo"]
    found = [float(lists[key][0]) for key in ("default_joint_pos", "action_scale", "joint_stiffness")]
    assert found == pytest.approx([servo["target"], servo["scale"], servo["stiffness"]], abs=1e-6)


def test_a_robot_of_motors_has_no_target_angles_in_its_metadata() -> None:
    policy = policy_of("HalfCheetah-v5")
    model = onnx.load_from_string(export_policy(policy, "onnx", actuators_of(policy.model)))
    texts = {entry.key: entry.value for entry in model.metadata_props}
    assert texts["joint_names"].startswith("bthigh,bshin")
    assert "action_scale" not in texts


def test_another_robots_actuators_are_refused() -> None:
    with pytest.raises(PolicyFileError, match="6 actions, the robot 21 actuators"):
        export_policy(policy_of("HalfCheetah-v5"), "onnx", actuators_of("house_position"))


def test_json_holds_the_policys_numbers_exactly() -> None:
    policy = replace(policy_of("Humanoid-v5"), squash="tanh", layer_norm=True)
    assert policy.obs_mean is not None
    assert policy.obs_var is not None
    record = json.loads(export_policy(policy, "json"))
    parts = [np.float32(layer[name]).ravel() for layer in record["layers"] for name in ("weight", "bias")]
    assert np.array_equal(np.concatenate([*parts, np.float32(record["log_std"])]), policy.params)
    assert np.array_equal(record["normalizer"]["mean"], policy.obs_mean)
    assert np.array_equal(record["normalizer"]["var"], policy.obs_var)
    assert (record["squash"], record["layer_norm"], record["task"]) == ("tanh", 1e-5, "Humanoid-v5")


def test_equal_policies_give_equal_bytes() -> None:
    for kind in ("onnx", "json"):
        assert export_policy(policy_of("Hopper-v5"), kind) == export_policy(policy_of("Hopper-v5"), kind)


def test_an_unknown_format_names_the_known() -> None:
    with pytest.raises(PolicyFileError, match="choose one of onnx, json"):
        export_policy(policy_of("Hopper-v5"), "pth")


def test_the_command_line_exports_and_imports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source,) = [path for path in SHIPPED if path.stem == "half-cheetah"]
    model, back = tmp_path / "model.onnx", tmp_path / "back.safetensors"
    assert main(["export", str(source), "--out", str(model)]) == 0
    assert main(["export", str(source), "--format", "json", "--out", str(tmp_path / "model.json")]) == 0
    assert main(["import", str(model), "--out", str(back)]) == 0
    before, after = load_policy(source.read_bytes()), load_policy(back.read_bytes())
    obs = observations(before)
    np.testing.assert_allclose(after.act(obs), before.act(obs), rtol=0, atol=1e-5)
    assert main(["import", str(model), "--task", "Hopper-v5", "--out", str(back)]) == 2
    assert "acts in task HalfCheetah-v5" in capsys.readouterr().err
