"""The robot models: self-contained, equal to upstream where they must be, and sensing what the tasks read."""

import json
from pathlib import Path
from typing import Any

import gymnasium
import mujoco
import numpy as np
import pytest

from tabrl_py.rng import Purpose, stream
from tabrl_py.tasks import get_task
from tabrl_py.tasks.house import OBSERVATION, STANCE
from tabrl_py.tasks.reset import sample_reset
from tabrl_py.types import F64
from wasm.models import build, gymnasium_robots, house, model_xml, names
from wasm.models.upstream import UpstreamError, package_file

GYMNASIUM_IDS = {
    "humanoid": "Humanoid-v5",
    "humanoidstandup": "HumanoidStandup-v5",
    "ant": "Ant-v5",
    "half_cheetah": "HalfCheetah-v5",
    "walker2d": "Walker2d-v5",
    "hopper": "Hopper-v5",
    "swimmer": "Swimmer-v5",
    "inverted_pendulum": "InvertedPendulum-v5",
    "inverted_double_pendulum": "InvertedDoublePendulum-v5",
}
# What only drawing reads: textures, which the builder drops, the places of names, and the memory both take.
DRAWING_ONLY = ("tex_", "mat_tex", "mat_rep", "names", "name_", "vis", "stat", "light_tex", "paths")
DRAWING_SIZES = {"ntex", "ntexdata", "nnames", "nnames_map", "nbuffer", "npaths", "signature"}


def compiled(name: str) -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(model_xml(name))


def constants(model: mujoco.MjModel) -> dict[str, Any]:
    """Every array and size of a model, and its options."""
    found: dict[str, Any] = {}
    for owner, prefix in ((model, ""), (model.opt, "opt.")):
        for key in dir(owner):
            value = getattr(owner, key) if not key.startswith("_") else None
            if isinstance(value, (np.ndarray, int, float)):
                found[prefix + key] = value
    return found


def house_observation(data: mujoco.MjData) -> F64:
    """Every number that the task's observation reads, before scale and clip."""
    return np.concatenate([getattr(data, f.source)[f.start : f.stop] for f in OBSERVATION])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models")
    build(out)
    return out


@pytest.mark.parametrize("name", names())
def test_model_is_one_self_contained_string(name: str) -> None:
    xml = model_xml(name)
    assert "<include" not in xml
    assert "file=" not in xml
    model = mujoco.MjModel.from_xml_string(xml)
    data = mujoco.MjData(model)
    mujoco.mj_step(model, data, nstep=50)
    assert np.isfinite(data.qpos).all()
    assert not any(warning.number for warning in data.warning)


@pytest.mark.parametrize("name", gymnasium_robots.NAMES)
def test_gymnasium_model_has_every_constant_of_the_environment(name: str) -> None:
    env = gymnasium.make(GYMNASIUM_IDS[name])
    ours, theirs = constants(compiled(name)), constants(env.unwrapped.model)  # type: ignore[attr-defined] # a MuJoCo environment's
    env.close()
    assert ours.keys() == theirs.keys()
    compared = 0
    for key, expected in theirs.items():
        if key.startswith(DRAWING_ONLY) or key in DRAWING_SIZES:
            continue
        np.testing.assert_array_equal(ours[key], expected, err_msg=f"{name}: mjModel.{key}")
        compared += 1
    assert compared > 300


@pytest.mark.parametrize("name", gymnasium_robots.NAMES)
def test_gymnasium_model_moves_bit_for_bit_as_the_environment(name: str) -> None:
    env = gymnasium.make(GYMNASIUM_IDS[name])
    theirs = env.unwrapped.model  # type: ignore[attr-defined] # a MuJoCo environment's
    env.close()
    rng = np.random.default_rng(5)
    pair = [(m, mujoco.MjData(m)) for m in (compiled(name), theirs)]
    for _ in range(200):
        ctrl = rng.uniform(-1, 1, theirs.nu)
        for model, data in pair:
            data.ctrl[:] = ctrl
            mujoco.mj_step(model, data)
    assert pair[0][1].qpos.tobytes() == pair[1][1].qpos.tobytes()
    assert pair[0][1].qvel.tobytes() == pair[1][1].qvel.tobytes()


@pytest.mark.parametrize("name", house.NAMES)
def test_house_physics_is_upstreams(name: str) -> None:
    ours = compiled(name)
    theirs = mujoco.MjModel.from_xml_path(str(package_file("dm_control", "suite/humanoid.xml")))
    assert ours.nu == theirs.nu == 21
    found = constants(ours)
    for key, expected in constants(theirs).items():
        if key.startswith(("body_", "jnt_", "dof_", "geom_", "qpos", "opt.", "actuator_trnid")):
            if key in ("body_plugin", "geom_plugin", "geom_matid", "body_sameframe"):
                continue
            if key == "jnt_range":
                left, right = (theirs.joint(f"{side}_hip_y").id for side in ("left", "right"))
                assert expected[left].tolist() != expected[right].tolist()
                expected[left] = expected[right]  # the one thing made even
            np.testing.assert_array_equal(found[key], expected, err_msg=key)
    if name == "house_torque":
        np.testing.assert_array_equal(ours.actuator_gear, theirs.actuator_gear)
        np.testing.assert_array_equal(ours.actuator_ctrlrange, theirs.actuator_ctrlrange)


def test_position_actuators_aim_at_the_standing_pose_within_upstreams_torques() -> None:
    model = compiled("house_position")
    torque = compiled("house_torque").actuator_gear[:, 0]
    stand = model.key_qpos[0]
    for i in range(model.nu):
        joint = model.actuator_trnid[i, 0]
        servo = house.servo(model.joint(joint).name)
        q0 = stand[model.jnt_qposadr[joint]]
        low, high = model.jnt_range[joint]
        assert low < q0 < high, model.joint(joint).name
        assert q0 == pytest.approx(servo.q0)
        assert model.actuator_forcerange[i].tolist() == [-torque[i], torque[i]]
        # The torque at rest in the pose q0 + 0.1 rad with ctrl 0.3, from the engine's own formula.
        gain, bias = model.actuator_gainprm[i], model.actuator_biasprm[i]
        force = gain[0] * 0.3 + bias[0] + bias[1] * (servo.q0 + 0.1)
        assert force == pytest.approx(servo.kp * (0.3 * servo.scale - 0.1), abs=1e-9)
        assert bias[2] == -servo.kv


@pytest.mark.parametrize("name", house.NAMES)
def test_tasks_start_from_the_stand_key(name: str) -> None:
    np.testing.assert_array_equal(compiled(name).key("stand").qpos, STANCE)


def test_stand_key_rests_on_both_feet() -> None:
    model = compiled("house_position")
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, model.key("stand").id)
    mujoco.mj_forward(model, data)
    assert data.ncon == 0
    mujoco.mj_step(model, data, nstep=100)
    right, left = data.sensordata[24:26]
    weight = float(model.body_mass.sum()) * 9.81
    assert right == pytest.approx(left, rel=0.05)
    assert right + left == pytest.approx(weight, rel=0.1)
    assert data.sensordata[31] > 1.35


def test_zero_action_alone_does_not_stand() -> None:
    """Standing has to be learned: from the task's first states, held targets fall within some seconds."""
    model = compiled("house_position")
    data = mujoco.MjData(model)
    task, fallen = get_task("humanoid-stand"), 0
    for seed in range(10):
        mujoco.mj_resetData(model, data)
        first = sample_reset(task, np.array(STANCE), model.nv, stream(seed, Purpose.EVALUATION))
        data.qpos[:], data.qvel[:] = first[: model.nq], first[model.nq : model.nq + model.nv]
        lowest = 9.0
        for _ in range(1000):
            mujoco.mj_step(model, data)
            lowest = min(lowest, data.sensordata[31])
        fallen += lowest < 1.0
    assert fallen >= 8


@pytest.mark.parametrize("name", house.NAMES)
def test_house_observation_is_72_live_numbers(name: str) -> None:
    model = compiled(name)
    data = mujoco.MjData(model)
    rng = np.random.default_rng(11)
    seen = []
    for _ in range(20):
        mujoco.mj_resetDataKeyframe(model, data, 0)
        data.qpos[7:] += rng.uniform(-0.1, 0.1, 21)
        data.qvel[:] = rng.uniform(-0.5, 0.5, 27)
        for _ in range(30):
            data.ctrl[:] = rng.uniform(-1, 1, model.nu)
            mujoco.mj_step(model, data, nstep=5)
            seen.append(house_observation(data))
    observations = np.array(seen)
    assert observations.shape[1] == 72
    assert np.isfinite(observations).all()
    spread = observations.std(axis=0)
    assert (spread > 1e-3).all(), np.flatnonzero(spread <= 1e-3)
    distinct = [len(np.unique(column)) for column in observations.T]
    assert min(distinct) > 100, distinct
    correlation = np.corrcoef(observations.T) - np.eye(72)
    assert np.abs(correlation).max() < 0.9999, "two observation numbers are the same quantity"


def test_house_sensors_mean_what_they_are_named() -> None:
    """A robot rolled about x and turned about z, flying at a known velocity: each sensor by hand."""
    model = compiled("house_torque")
    data = mujoco.MjData(model)
    yaw, roll, velocity = 0.7, 0.3, np.array([1.0, -2.0, 0.5])
    data.qpos[:3] = 3.0, 4.0, 5.0
    data.qpos[3:7] = _product(
        (np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)), (np.cos(roll / 2), np.sin(roll / 2), 0, 0)
    )
    data.qvel[:3] = velocity
    mujoco.mj_forward(model, data)
    rotation = data.body("torso").xmat.reshape(3, 3)

    def sensor(name: str) -> F64:
        return np.asarray(data.sensor(name).data)

    np.testing.assert_allclose(sensor("up_in_torso"), [0, np.sin(roll), np.cos(roll)], atol=1e-12)
    np.testing.assert_allclose(sensor("torso_forward"), [np.cos(yaw), np.sin(yaw), 0], atol=1e-12)
    np.testing.assert_allclose(sensor("torso_velocity"), rotation.T @ velocity, atol=1e-12)
    np.testing.assert_allclose(sensor("com_velocity"), velocity, atol=1e-9)
    foot = rotation.T @ (data.body("left_foot").xpos - data.body("torso").xpos)
    np.testing.assert_allclose(sensor("left_foot_in_torso"), foot, atol=1e-12)
    assert sensor("left_foot_in_torso")[1] > 0 > sensor("right_foot_in_torso")[1]
    np.testing.assert_allclose(sensor("head_position"), data.body("head").xpos, atol=1e-12)
    np.testing.assert_array_equal(sensor("left_sole_touch"), [0.0])


def _product(a: tuple[float, ...], b: tuple[float, ...]) -> F64:
    out = np.zeros(4)
    mujoco.mju_mulQuat(out, np.array(a), np.array(b))
    return out


@pytest.mark.parametrize("name", names())
def test_scene_places_every_limb_where_the_engine_has_it(name: str, built: Path) -> None:
    scene = json.loads((built / f"{name}.scene.json").read_text())
    model = mujoco.MjModel.from_xml_string((built / f"{name}.xml").read_text())
    data = mujoco.MjData(model)
    rng = np.random.default_rng(2)
    for joint in range(model.njnt):
        if model.jnt_type[joint] in (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE):
            data.qpos[model.jnt_qposadr[joint]] += rng.uniform(-0.3, 0.3)
    mujoco.mj_forward(model, data)
    assert (scene["name"], scene["timestep"]) == (name, model.opt.timestep)
    assert len(scene["bodies"]) == model.nbody
    assert len(scene["geoms"]) == model.ngeom
    assert [a["joint"] for a in scene["actuators"]] == model.actuator_trnid[:, 0].tolist()
    ends = {
        (
            limb["body"],
            tuple(np.round(data.xpos[limb["body"]] + data.xmat[limb["body"]].reshape(3, 3) @ limb[end], 4)),
        )
        for limb in scene["limbs"]
        for end in ("from", "to")
    }
    for geom in range(model.ngeom):
        kind = model.geom_type[geom]
        if model.geom_bodyid[geom] == 0 or kind == mujoco.mjtGeom.mjGEOM_PLANE:
            continue
        half = 0.0 if kind == mujoco.mjtGeom.mjGEOM_SPHERE else model.geom_size[geom, 1]
        for sign in (-1, 1):
            tip = data.geom_xpos[geom] + sign * half * data.geom_xmat[geom].reshape(3, 3)[:, 2]
            body = int(model.geom_bodyid[geom])
            assert min(np.abs(np.array(p) - tip).max() for b, p in ends if b == body) < 1e-3


def test_scene_sides_and_heights(built: Path) -> None:
    scene = json.loads((built / "house_position.scene.json").read_text())
    bodies = [body["name"] for body in scene["bodies"]]
    sides = {bodies[limb["body"]]: limb["side"] for limb in scene["limbs"]}
    assert sides["left_thigh"] == sides["left_hand"] == "left"
    assert sides["right_shin"] == "right"
    assert sides["head"] == sides["torso"] == "centre"
    assert bodies[scene["tracking_body"]] == "torso"
    walker = json.loads((built / "walker2d.scene.json").read_text())
    names_of = [body["name"] for body in walker["bodies"]]
    assert {names_of[limb["body"]] for limb in walker["limbs"] if limb["side"] == "left"} == {
        "thigh_left",
        "leg_left",
        "foot_left",
    }
    assert 1.5 < scene["view"]["height"] < 1.6
    assert sum(body["mass"] for body in scene["bodies"]) == pytest.approx(40.84, abs=0.01)
    heights = {n: json.loads((built / f"{n}.scene.json").read_text())["view"]["height"] for n in names()}
    assert 1.4 < heights["humanoid"] < 1.7
    assert 1.4 < heights["humanoidstandup"] < 2.0
    assert 1.2 < heights["hopper"] < 1.7
    assert 0.4 < heights["ant"] < 1.2


def test_build_writes_the_same_bytes_again(built: Path, tmp_path: Path) -> None:
    written = build(tmp_path)
    assert {p.name for p in written} == {f"{n}{s}" for n in names() for s in (".xml", ".scene.json")}
    for path in written:
        assert path.read_bytes() == (built / path.name).read_bytes()


def test_unknown_names_and_missing_packages_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown model 'unicorn'; the models are house_position"):
        model_xml("unicorn")
    with pytest.raises(UpstreamError, match="'no_such_robots' is not installed"):
        package_file("no_such_robots", "a.xml")
    with pytest.raises(UpstreamError, match=r"suite/unicorn\.xml is missing"):
        package_file("dm_control", "suite/unicorn.xml")
