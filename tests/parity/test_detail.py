"""The inside of a robot that the page asks for, beside the native engine at the same state."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest

from tabrl_py.sim.models import model_path
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.sim.native_inside import inside_of
from tabrl_py.tasks import get_task
from tests.parity.node_sim import MUJOCO, ROOT

HERE = Path(__file__).parent
ROWS, ROW, STEPS = 3, 1, 12


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workers' modules where Node.js takes them for modules."""
    folder = tmp_path_factory.mktemp("detail") / "workers"
    shutil.copytree(ROOT / "web" / "workers", folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def inside(workers: Path, task_id: str, actions: np.ndarray) -> dict[str, Any]:
    """What Node.js says of one row after some steps under the same actions."""
    node = shutil.which("node")
    assert node is not None
    task = get_task(task_id)
    job = {
        "xml": model_path(task.model).read_text(encoding="utf-8"),
        "task": task.to_json(),
        "rows": ROWS,
        "row": ROW,
        "steps": STEPS,
        "actions": actions.ravel().tolist(),
    }
    command = [node, str(HERE / "node_detail.mjs"), MUJOCO.as_uri(), workers.as_uri()]
    result = subprocess.run(
        command, input=json.dumps(job), capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


@pytest.mark.parametrize("task_id", ["humanoid-walk", "Ant-v5"])
def test_contacts_weight_joints_and_forces_are_the_engines(workers: Path, task_id: str) -> None:
    task = get_task(task_id)
    model = mujoco.MjModel.from_xml_path(str(model_path(task.model)))
    rng = np.random.default_rng(3)
    actions = 0.3 * rng.uniform(-1, 1, (ROWS, model.nu)).astype(np.float32)
    answer = inside(workers, task_id, actions)
    detail = answer["detail"]
    assert answer["untouched"], "looking changes no row"

    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:], data.ctrl[:] = answer["qpos"], answer["qvel"], actions[ROW]
    mujoco.mj_forward(model, data)
    np.testing.assert_allclose(detail["com"], data.subtree_com[0], atol=1e-9)
    np.testing.assert_allclose(detail["actuator_force"], data.actuator_force, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(detail["action"], actions[ROW])
    single = (model.jnt_type == mujoco.mjtJoint.mjJNT_HINGE) | (model.jnt_type == mujoco.mjtJoint.mjJNT_SLIDE)
    joints = np.where(single, data.qpos[model.jnt_qposadr], 0.0)
    np.testing.assert_allclose(detail["joints"], joints, atol=1e-12)
    assert len(detail["signals"]) == task.signal_size

    native = inside_of(model, data)
    for name, values in vars(native).items():
        np.testing.assert_allclose(detail[name], values, rtol=1e-3, atol=0.5, err_msg=name)
    sim = NativeBatchSim(task, 1)
    sim.next_init[0, : model.nq + model.nv] = [*answer["qpos"], *answer["qvel"]]
    sim.reset()
    before = sim.states()
    assert sim.inside(0, actions[ROW]).com == pytest.approx(native.com)
    assert sim.inside(0, actions[ROW]).actuator_force == pytest.approx(native.actuator_force)
    np.testing.assert_array_equal(sim.states(), before)

    contacts = np.reshape(detail["contacts"], (-1, 6))
    assert len(contacts) == data.ncon > 0
    total = np.zeros(3)
    for index in range(data.ncon):
        contact = data.contact[index]
        np.testing.assert_allclose(contacts[index, :3], contact.pos, atol=1e-9)
        wrench = np.zeros(6)
        mujoco.mj_contactForce(model, data, index, wrench)
        force = contact.frame.reshape(3, 3).T @ wrench[:3]
        if model.geom_bodyid[contact.geom[1]] == 0:
            force = -force
        np.testing.assert_allclose(contacts[index, 3:], force, rtol=1e-3, atol=0.5)
        if 0 in model.geom_bodyid[contact.geom]:
            total += contacts[index, 3:]
    assert total[2] > 0, "the floor pushes up"
