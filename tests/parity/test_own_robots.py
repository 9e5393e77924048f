"""Robots that people bring: read in the page's worker, described, drawn and stepped as natively."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tabrl_py.sim.description import compile_model, describe
from tabrl_py.sim.models import models_folder
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.sim.robot_file import read_robot
from tabrl_py.tasks.own_robot import Choices, propose, text_hash
from tests.parity import own_robots
from tests.parity.node_sim import Node, NodeBatchSim
from tests.parity.own_robots import FIXTURES, zipped

HOUSE = ("half_cheetah", "humanoid", "swimmer", "inverted_double_pendulum", "ant", "house_torque")


def suite() -> Path:
    """Where the pinned dm_control has its models."""
    found = find_spec("dm_control")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "suite"


def of_suite(name: str) -> bytes:
    """A model of dm_control with what it includes."""
    folder = suite()
    common = {f"common/{p.name}": p.read_bytes() for p in (folder / "common").glob("*.xml")}
    return zipped({f"{name}.xml": (folder / f"{name}.xml").read_bytes(), **common})


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_robots.page(tmp_path_factory.mktemp("robots") / "page")


@pytest.fixture(scope="module")
def sound(page: Path) -> dict[str, dict[str, Any]]:
    """What the page makes of robots that are sound, by file."""
    files = {
        "pendulum.xml": (FIXTURES / "pendulum.xml").read_bytes(),
        "crawler.zip": own_robots.zipped_folder(FIXTURES / "crawler", "robots/"),
        "dm_walker.zip": of_suite("walker"),
        "dm_cheetah.zip": of_suite("cheetah"),
        **{f"{name}.xml": (models_folder() / f"{name}.xml").read_bytes() for name in HOUSE},
    }
    answers = own_robots.read(page, list(files.items()))
    refused = {name: a["message"] for name, a in zip(files, answers, strict=True) if "robot" not in a}
    assert not refused
    return {name: answer["robot"] for name, answer in zip(files, answers, strict=True)}


def close(one: Any, other: Any) -> bool:
    """Equal, numbers to the sixth digit that both write."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(close, one, other))
    if isinstance(one, float | int) and isinstance(other, float | int) and not isinstance(one, bool):
        return abs(one - other) <= 2e-6 * max(1.0, abs(one))
    return bool(one == other)


def test_the_page_describes_a_model_as_python_does(sound: dict[str, dict[str, Any]]) -> None:
    for name, robot in sound.items():
        native = json.loads(json.dumps(describe(compile_model(robot["text"], name))))
        different = [key for key in native if not close(native[key], robot["description"][key])]
        assert not different, (name, [(native[key], robot["description"][key]) for key in different])


@pytest.mark.parametrize("name", HOUSE)
def test_the_page_draws_a_shipped_model_as_the_build_does(
    sound: dict[str, dict[str, Any]], name: str
) -> None:
    built = json.loads((models_folder() / f"{name}.scene.json").read_text(encoding="utf-8"))
    drawn = sound[f"{name}.xml"]["scene"]
    for key in ("timestep", "bodies", "geoms", "joints", "actuators", "limbs", "rest"):
        assert close(built[key], drawn[key]), (key, built[key], drawn[key])


def test_python_reads_the_same_text_from_the_same_archive(
    sound: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    archive = tmp_path / "crawler.zip"
    archive.write_bytes(own_robots.zipped_folder(FIXTURES / "crawler", "robots/"))
    assert read_robot(archive) == sound["crawler.zip"]["text"]
    beside = read_robot(FIXTURES / "crawler" / "crawler.xml")
    assert beside == sound["crawler.zip"]["text"]


def test_a_mesh_is_said_to_be_drawn_as_a_box(sound: dict[str, dict[str, Any]]) -> None:
    crawler = sound["crawler.zip"]
    (shell,) = [geom for geom in crawler["scene"]["geoms"] if geom["name"] == "shell"]
    assert shell["type"] == "box"
    # A mesh has the frame of its own inertia.
    assert sorted(shell["size"]) == pytest.approx([0.05, 0.06, 0.1], abs=1e-5)
    assert any("drawn as a box" in note for note in crawler["notes"])


@pytest.mark.parametrize("name", ["pendulum.xml", "crawler.zip", "dm_walker.zip", "dm_cheetah.zip"])
def test_an_own_robot_moves_in_the_tab_as_natively(
    sound: dict[str, dict[str, Any]], node: Node, name: str
) -> None:
    robot = sound[name]
    text = robot["text"]
    task = propose(robot["description"], Choices(title=name), text_hash(text)).task
    sims = (NativeBatchSim(task, 3, model_text=text), NodeBatchSim(node, task, 3, text))
    rng = np.random.default_rng(1)
    for step in range(60):
        actions = rng.uniform(task.action_low, task.action_high, (3, task.action_size)).astype(np.float32)
        for sim in sims:
            sim.step(actions)
        native, wasm = sims
        assert np.array_equal(native.terminated, wasm.terminated), step
        np.testing.assert_allclose(wasm.obs, native.obs, rtol=1e-4, atol=1e-4, err_msg=f"step {step}")
        np.testing.assert_allclose(wasm.signals, native.signals, rtol=1e-5, atol=1e-5)


FREE = '<body pos="0 0 1"><freejoint/><geom size=".1"/>{}</body>'
ARM = '<body name="arm" pos="0 0 1"><joint name="j" axis="0 1 0"/><geom size=".1" pos=".3 0 0"/></body>'
DRIVE = '<actuator><motor joint="j"/></actuator>'


def mjcf(body: str = ARM, rest: str = DRIVE, head: str = "") -> bytes:
    return f"<mujoco>{head}<worldbody>{body}</worldbody>{rest}</mujoco>".encode()


def bomb() -> bytes:
    return zipped({"robot.xml": mjcf(), "mesh.stl": b"\0" * (200 * 2**20)})


def encrypted() -> bytes:
    data = bytearray(zipped({"robot.xml": mjcf()}))
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    return bytes(data)


def method(number: int) -> bytes:
    data = bytearray(zipped({"robot.xml": mjcf()}))
    at = data.index(b"PK\x01\x02")
    data[at + 10] = number
    return bytes(data)


def cut() -> bytes:
    return own_robots.zipped_folder(FIXTURES / "crawler")[:-40]


def garbled() -> bytes:
    data = bytearray(own_robots.zipped_folder(FIXTURES / "crawler"))
    at = data.index(b"crawler.xml") + len("crawler.xml") + 40
    data[at : at + 64] = bytes(64)
    return bytes(data)


def deep_zip(path: str) -> bytes:
    return zipped({"robot.xml": mjcf(), path: b"v 0 0 0"})


MESHED = (
    '<asset><mesh name="m" file="{}"/></asset>'
    '<worldbody><body><freejoint/><geom type="mesh" mesh="m"/></body></worldbody>'
)
SOFT = '<flexcomp name="f" type="grid" count="3 3 3" spacing=".1 .1 .1" dim="3" radius=".01" pos="0 0 2"/>'
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><mujoco model="&c;"></mujoco>'
)
STIFF = (
    '<body pos="0 0 1"><joint name="j" type="slide" stiffness="1e12"/><geom size=".01" mass="1e-6"/></body>'
)

HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    # Not a model
    "empty": ("a.xml", lambda: b"", "is empty"),
    "words": ("a.xml", lambda: b"hello robot", "is not XML"),
    "binary": ("a.xml", lambda: bytes(range(256)) * 10, "is not text in UTF-8"),
    "a picture": ("a.xml", lambda: b"<svg xmlns='x'/>", "first element is <svg>"),
    "a page": ("a.xml", lambda: b"<!doctype html><html></html>", "first element is <html>"),
    "urdf": ("a.xml", lambda: b"<?xml version='1.0'?><robot name='r'/>", "is a URDF"),
    "not closed": ("a.xml", lambda: b"<mujoco><worldbody>", "XML parse error"),
    "unknown element": ("a.xml", lambda: mjcf(head="<rocket/>"), "unrecognized"),
    "markup as a name": (
        "<img src=x onerror=alert(1)>.xml",
        lambda: mjcf(head="<rocket/>"),
        "<img src=x onerror=alert(1)>.xml",
    ),
    # Bombs
    "entities": ("a.xml", LAUGHS.encode, "declares XML entities"),
    "deep": ("a.xml", lambda: mjcf("<body>" * 1500 + "</body>" * 1500), "nesting is too deep"),
    "10 000 bodies": ("a.xml", lambda: mjcf(ARM + "<body/>" * 10_000), "has 10001 bodies"),
    "replicated bodies": (
        "a.xml",
        lambda: mjcf(
            ARM + '<replicate count="1000" offset="0 0 1"><body><geom size=".1"/></body></replicate>'
        ),
        "bodies; at most 300",
    ),
    "a million copies": (
        "a.xml",
        lambda: mjcf(
            ARM + '<replicate count="1000000" offset="0 0 1"><body><geom size=".1"/></body></replicate>'
        ),
        "",
    ),
    "too large": ("a.xml", lambda: mjcf(head="<!--" + "x" * (25 * 2**20) + "-->"), "at most 24 MiB"),
    "zip bomb": ("a.zip", bomb, "unpacks to more than"),
    "many files": (
        "a.zip",
        lambda: zipped({f"{i}.xml": b"<mujoco/>" for i in range(600)}),
        "has 600 files",
    ),
    "much memory": ("a.xml", lambda: mjcf(head='<size memory="1G"/>'), "working memory"),
    # Archives
    "cut off": ("a.zip", cut, "no list of its files"),
    "garbled": ("a.zip", garbled, "damaged"),
    "encrypted": ("a.zip", encrypted, "is encrypted"),
    "another method": ("a.zip", lambda: method(14), "method 14"),
    "no model inside": (
        "a.zip",
        lambda: zipped({"readme.txt": b"hi", "m.obj": b"v 0 0 0"}),
        "holds no model",
    ),
    "upwards": ("a.zip", lambda: deep_zip("../../m.obj"), "not a plain relative one"),
    "absolute": ("a.zip", lambda: deep_zip("/etc/m.obj"), "not a plain relative one"),
    # Files that are read
    "include missing": (
        "a.xml",
        lambda: mjcf(head='<include file="b.xml"/>'),
        "Error opening file 'b.xml'",
    ),
    "include itself": (
        "a.zip",
        lambda: zipped(
            {
                "a.xml": mjcf(head='<include file="b.xml"/>'),
                "b.xml": '<mujoco><include file="b.xml"/></mujoco>',
            }
        ),
        "already included",
    ),
    "include in a ring": (
        "a.zip",
        lambda: zipped(
            {
                "a.xml": '<mujoco><include file="b.xml"/></mujoco>',
                "b.xml": '<mujoco><include file="a.xml"/></mujoco>',
            }
        ),
        "is included by another",
    ),
    "include outside": (
        "a.xml",
        lambda: mjcf(head='<include file="../../etc/passwd"/>'),
        "outside its folder",
    ),
    "mesh missing": ("a.xml", lambda: f"<mujoco>{MESHED.format('m.stl')}</mujoco>".encode(), "m.stl"),
    "mesh outside": (
        "a.xml",
        lambda: f"<mujoco>{MESHED.format('/usr/m.stl')}</mujoco>".encode(),
        "outside its folder",
    ),
    "mesh from the net": (
        "a.xml",
        lambda: f"<mujoco>{MESHED.format('http://x.test/m.stl')}</mujoco>".encode(),
        "outside its folder",
    ),
    "mesh of nonsense": (
        "a.zip",
        lambda: zipped({"a.xml": f"<mujoco>{MESHED.format('m.stl')}</mujoco>", "m.stl": b"\1" * 500}),
        "stl",
    ),
    "plugin": (
        "a.xml",
        lambda: mjcf(head='<extension><plugin plugin="mujoco.elasticity.cable"/></extension>'),
        "plugin mujoco.elasticity.cable",
    ),
    # Robots that cannot learn
    "no joints": ("a.xml", lambda: mjcf('<body><geom size=".1"/></body>', ""), "no joints"),
    "no actuators": ("a.xml", lambda: mjcf(FREE.format(""), ""), "no actuators"),
    "actuator of nothing": (
        "a.xml",
        lambda: mjcf(rest='<actuator><motor joint="q"/></actuator>'),
        "The engine refuses",
    ),
    "nan": ("a.xml", lambda: mjcf(ARM.replace("0 0 1", "0 0 nan", 1)), "not finite"),
    "inf": ("a.xml", lambda: mjcf(ARM.replace('size=".1"', 'size="inf"')), "not finite"),
    "no mass": ("a.xml", lambda: mjcf(ARM.replace("<geom", '<geom mass="0"')), "mass and inertia"),
    "no time": ("a.xml", lambda: mjcf(head='<option timestep="0"/>'), "timestep"),
    "long steps": ("a.xml", lambda: mjcf(head='<option timestep="3"/>'), "timestep is 3 s"),
    "breaks down": (
        "a.xml",
        lambda: mjcf(STIFF + FREE.format(""), head='<option timestep="0.05" integrator="RK4"/>').replace(
            b'<joint name="j"', b'<joint name="j" springref="1"', 1
        ),
        "breaks down",
    ),
}


def test_hostile_files_get_one_message_each(page: Path) -> None:
    files = [(name, make()) for name, make, _ in HOSTILE.values()]
    answers = own_robots.read(page, files, patience_ms=5000)
    wrong: dict[str, Any] = {}
    for (case, (_, _, words)), answer in zip(HOSTILE.items(), answers, strict=True):
        if "robot" in answer:
            wrong[case] = "was taken"
        elif (
            words not in answer["message"]
            or not answer["todo"]
            or len(answer["message"]) > 500
            or answer["ms"] > 15_000
            or answer["kind"] != "PageError"
        ):
            wrong[case] = answer
    assert not wrong
    assert len(files) >= 40


def test_soft_bodies_are_said_not_to_be_drawn(page: Path) -> None:
    (answer,) = own_robots.read(page, [("soft.xml", mjcf(ARM + SOFT))])
    assert any("soft" in note and "not drawn" in note for note in answer["robot"]["notes"])
