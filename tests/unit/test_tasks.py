"""Tasks say what the compiled models have, in words that every part understands."""

import importlib.util
import inspect
import json
import pkgutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest

import tabrl_py
from tabrl_py.config import Recipe
from tabrl_py.errors import ConfigError
from tabrl_py.rewards import REWARDS
from tabrl_py.sim.models import model_path
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import TASKS, TaskSpec, get_task, sample_reset
from tabrl_py.tasks.house import ACTUATED_JOINTS, JOINTS, SENSORS, STANCE
from tabrl_py.tasks.house_skills import HOUSE_TASKS

EVERY_TASK = pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.id)
EVERY_HOUSE_MODEL = pytest.mark.parametrize("name", ["house_position", "house_torque"])
NEEDS_AN_ENGINE = {
    *("tabrl_py.sim.native", "tabrl_py.sim.native_inside", "tabrl_py.sim.description"),
    "tabrl_py.meta.native",
    *("tabrl_py.gym", "tabrl_py.cli"),
}
"""Modules that may import mujoco or gymnasium; Pyodide has neither."""


def compiled(name: str) -> Any:
    return mujoco.MjModel.from_xml_path(str(model_path(name)))


def test_unknown_task_is_refused_with_the_nearest_and_all_names() -> None:
    with pytest.raises(ConfigError, match=r"'Hoper-v5' is not known; did you mean Hopper-v5\?.*Ant-v5"):
        get_task("Hoper-v5")
    assert get_task("humanoid-stand") is TASKS["humanoid-stand"]


@EVERY_TASK
def test_action_bounds_are_the_models(task: TaskSpec) -> None:
    model = compiled(task.model)
    assert model.actuator_ctrllimited.all()
    np.testing.assert_array_equal(model.actuator_ctrlrange[:, 0], task.action_low)
    np.testing.assert_array_equal(model.actuator_ctrlrange[:, 1], task.action_high)


@EVERY_HOUSE_MODEL
def test_house_sensors_lie_where_the_task_reads_them(name: str) -> None:
    model = compiled(name)
    found = {}
    for i in range(model.nsensor):
        sensor = model.sensor(i)
        start = int(sensor.adr[0])
        found[sensor.name] = slice(start, start + int(sensor.dim[0]))
    assert found == SENSORS


@EVERY_HOUSE_MODEL
def test_house_joints_actuators_and_stance_are_the_models(name: str) -> None:
    model = compiled(name)
    joints = [model.joint(i) for i in range(1, model.njnt)]
    assert tuple(joint.name for joint in joints) == JOINTS
    assert [int(joint.qposadr[0]) for joint in joints] == list(range(7, 28))
    assert [int(joint.dofadr[0]) for joint in joints] == list(range(6, 27))
    driven = [model.joint(int(model.actuator_trnid[i, 0])).name for i in range(model.nu)]
    assert tuple(driven) == ACTUATED_JOINTS
    np.testing.assert_array_equal(model.key("stand").qpos, STANCE)


@pytest.mark.parametrize("task", HOUSE_TASKS, ids=lambda task: task.id)
def test_house_observation_has_72_numbers_that_all_live(task: TaskSpec) -> None:
    """A commanded robot sees the command in place of its heading; a walking one, its gait's phase too."""
    walks = any(field.fn == "sin" for field in task.observation)
    assert walks == task.id.startswith(("humanoid-walk", "humanoid-run", "humanoid-command"))
    assert task.obs_size == 72 + 2 * walks + (task.id == "humanoid-command")
    task = replace(task, reset=replace(task.reset, settle_steps=0))
    rng = np.random.default_rng(1)
    sim = NativeBatchSim(task, 4, dtype=np.float64)
    seen = []
    for _ in range(100):
        for i in range(4):
            sim.next_init[i] = sample_reset(task, sim.qpos0, sim.nv, rng)
            if task.command is not None:
                sim.set_commands([i], rng.uniform(task.command.low, task.command.high))
        sim.step(rng.uniform(-1.0, 1.0, (4, task.action_size)))
        seen.append(sim.obs.copy())
    rows = np.concatenate(seen)
    assert (rows.std(axis=0) > 1e-4).all()
    assert np.unique(rows, axis=1).shape == rows.shape, "two numbers of the observation are the same"


@EVERY_TASK
def test_reward_exists_and_takes_the_tasks_parameters(task: TaskSpec) -> None:
    inspect.signature(REWARDS[task.reward.name]).bind("state", **task.reward.params)
    if task.forward_axis:
        assert task.forward_axis in task.signal_slices()


@EVERY_TASK
def test_record_is_plain_json(task: TaskSpec) -> None:
    record = json.loads(json.dumps(task.to_json(), allow_nan=False))
    assert (record["obs_size"], record["action_size"]) == (task.obs_size, task.action_size)
    assert sum(f["stop"] - f["start"] for f in record["signals"]) == record["signal_size"]


@EVERY_TASK
def test_defaults_make_a_valid_recipe(task: TaskSpec) -> None:
    for algorithm, defaults in task.defaults.items():
        record: dict[str, Any] = {"task": task.id, "algorithm": algorithm, "network": {}, "algo": {}}
        for key, value in defaults.items():
            group, _, name = key.rpartition(".")
            (record[group] if group else record)[name] = value
        assert Recipe.from_json(record).task == task.id


def test_package_imports_without_an_engine() -> None:
    """As in Pyodide, where mujoco and gymnasium do not exist."""
    names = [
        module.name
        for module in pkgutil.walk_packages(tabrl_py.__path__, "tabrl_py.")
        if module.name not in NEEDS_AN_ENGINE and "__main__" not in module.name
    ]
    assert "tabrl_py.tasks.registry" in names
    program = (
        "import sys\n"
        "for absent in ('mujoco', 'gymnasium'): sys.modules[absent] = None\n"
        "import importlib\n"
        f"for name in {names!r}:\n"
        "    try:\n"
        "        importlib.import_module(name)\n"
        "    except ModuleNotFoundError as error:\n"
        "        if error.name not in ('js', 'pyodide', 'pyodide_js'): raise\n"
    )
    root = Path(tabrl_py.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_modules_that_need_an_engine_exist() -> None:
    for name in NEEDS_AN_ENGINE:
        assert importlib.util.find_spec(name) is not None
