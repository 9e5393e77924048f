"""Tasks of robots that people bring: proposed, made again, trained, resumed, refused."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tabrl_py.algos.training import Training
from tabrl_py.cli import main
from tabrl_py.errors import ConfigError, ModelError
from tabrl_py.policy import load_policy
from tabrl_py.rewards.library import compute_reward
from tabrl_py.robot_messages import ProposeTask
from tabrl_py.sim.description import compile_model, describe
from tabrl_py.sim.model_text import pack, unpack
from tabrl_py.sim.models import model_path
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.sim.robot_file import read_robot
from tabrl_py.tasks import TASKS
from tabrl_py.tasks.own_robot import REWARDS, Choices, made_of, own_task, propose, text_hash
from tabrl_py.tasks.recipes import default_recipe
from tabrl_py.tasks.registry import OWN, get_task
from tabrl_py.workers.messages import task_of
from tabrl_py.workers.own_robots import proposed

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "robots"
CRAWLER = FIXTURES / "crawler" / "crawler.xml"
PENDULUM = FIXTURES / "pendulum.xml"
SMALL = {"n_envs": 4, "algo.n_steps": 32, "algo.minibatch_size": 64, "total_steps": 256}


def described(path: Path) -> tuple[dict[str, Any], str]:
    text = read_robot(path)
    return describe(compile_model(text, path.name)), text


def test_the_crawler_is_proposed_to_go_forward() -> None:
    description, text = described(CRAWLER)
    proposal = propose(description, Choices(title="My crawler"), text_hash(text))
    task = proposal.task
    assert proposal.rewards == ("forward", "stay", "rise", "reach")
    assert proposal.notes == ()
    assert task.id.startswith("own-my-crawler-")
    assert task.frame_skip * 0.004 == pytest.approx(0.02)
    assert task.time_limit == 1000
    # Height, quaternion, 4 joints, 10 velocities, 3 + 1 sensor numbers.
    assert task.obs_size == 1 + 4 + 4 + 10 + 4
    assert task.action_low == (-1.2, -1.7, -1.0, -1.0)
    (fall,) = task.healthy
    assert (fall.source, fall.start) == ("xpos", 5)
    assert fall.low == pytest.approx(0.1)
    assert task.forward_axis == "place"


def test_a_robot_on_a_fixed_base_rises_and_never_falls() -> None:
    description, text = described(PENDULUM)
    proposal = propose(description, Choices(), text_hash(text))
    assert proposal.rewards == ("rise", "reach")
    assert proposal.task.healthy == ()
    assert proposal.task.forward_axis == ""
    assert "2 of 2 actuators have no ctrlrange" in proposal.notes[0]
    # The motor's range is assumed, the position actuator's is its joint's.
    assert proposal.task.action_low == pytest.approx((-1.0, -math.radians(120)), abs=1e-6)
    assert [f.fn for f in proposal.task.observation][:2] == ["sin", "cos"]


def test_a_planar_robot_does_not_see_how_far_it_went() -> None:
    description, text = described(model_path("walker2d"))
    task = propose(description, Choices(), text_hash(text)).task
    seen = [i for f in task.observation if f.source == "qpos" for i in range(f.start, f.stop)]
    assert 0 not in seen
    assert {1, 2} <= set(seen)


def test_the_same_robot_and_choices_give_the_same_task_and_others_another() -> None:
    description, text = described(CRAWLER)
    first = propose(description, Choices(title="a"), text_hash(text)).task
    assert propose(json.loads(json.dumps(description)), Choices(title="a"), text_hash(text)).task == first
    others = (
        propose(description, Choices(title="a", reward="stay"), text_hash(text)).task,
        propose(description, Choices(title="a"), text_hash(text + " ")).task,
    )
    assert len({first.id, *(other.id for other in others)}) == 3
    assert others[0].model == first.model != others[1].model


def test_no_shipped_task_or_model_has_such_a_name() -> None:
    assert not any(task.id.startswith(OWN) or task.model.startswith(OWN) for task in TASKS.values())


@pytest.mark.parametrize("reward", list(REWARDS))
def test_every_reward_is_finite_and_the_sum_of_its_terms(reward: str) -> None:
    description, text = described(CRAWLER)
    task = propose(description, Choices(reward=reward), text_hash(text)).task
    sim = NativeBatchSim(task, 3, model_text=text)
    rng = np.random.default_rng(3)
    for _ in range(20):
        actions = rng.uniform(task.action_low, task.action_high, (3, task.action_size))
        sim.step(actions)
        total, terms = compute_reward(sim, actions)
        assert np.all(np.isfinite(total))
        np.testing.assert_allclose(total, sum(terms.values()))
    assert "control" in terms


def test_upright_is_1_in_the_first_pose_however_the_model_lies() -> None:
    text = """<mujoco><worldbody><geom type="plane" size="5 5 .1"/>
      <body pos="0 0 1" quat="0.5 0.5 -0.5 0.5"><freejoint/><geom size=".1"/>
        <body pos="0 0 .2"><joint name="j" axis="0 1 0"/><geom size=".1"/></body></body>
      </worldbody><actuator><motor joint="j" ctrlrange="-1 1"/></actuator></mujoco>"""
    description = describe(compile_model(text, "lying"))
    task = propose(description, Choices(reward="stay"), text_hash(text)).task
    sim = NativeBatchSim(task, 1, model_text=text)
    actions = np.zeros((1, 1))
    sim.step(actions)
    _, terms = compute_reward(sim, actions)
    assert terms["upright"][0] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    "choices",
    [
        {"reward": "fly"},
        {"frame_skip": -1},
        {"frame_skip": 2.5},
        {"time_limit": 10**9},
        {"fall_share": 1.5},
        {"title": "x" * 61},
        {"colour": "red"},
        {"frame_skip": True},
    ],
)
def test_a_choice_that_does_not_suit_is_refused(choices: dict[str, Any]) -> None:
    description, text = described(CRAWLER)
    with pytest.raises(ConfigError):
        propose(description, Choices.from_json(choices), text_hash(text))


def test_a_message_carries_the_task_as_what_it_was_made_of() -> None:
    description, text = described(CRAWLER)
    answer = proposed(ProposeTask(1, json.loads(json.dumps(description)), {"title": "Crawler"}, text))
    record = json.loads(json.dumps(answer.task))
    task = task_of(record)
    assert task == own_task(record["own"])
    assert record["own"]["program"]
    assert record["defaults"]["ppo"]["n_envs"] == 32
    with pytest.raises(ConfigError, match="different builds"):
        task_of({**record, "frame_skip": 1})
    with pytest.raises(ModelError, match="damaged"):
        task_of({**record, "own": {**record["own"], "description": {}}})
    with pytest.raises(ConfigError, match="lacks"):
        task_of({**record, "own": {}})


def test_made_of_makes_the_task_again_whatever_was_left_open() -> None:
    description, text = described(PENDULUM)
    proposal = propose(description, Choices(time_limit=77), text_hash(text))
    again = json.loads(json.dumps(made_of(proposal, description, text_hash(text))))
    assert own_task(again) == proposal.task


def test_training_is_the_same_twice_and_goes_on_from_a_checkpoint() -> None:
    description, text = described(CRAWLER)
    task = propose(description, Choices(), text_hash(text)).task
    recipe = default_recipe(task, "ppo", SMALL)

    def run(training: Training) -> bytes:
        while not training.finished:
            training.advance()
        return bytes(training.policy().params.tobytes())

    def sim() -> NativeBatchSim:
        return NativeBatchSim(task, 4, model_text=text)

    whole = run(Training(recipe, task, sim()))
    first = Training(recipe, task, sim())
    while first.advance() is None:
        pass
    assert run(Training.resume(first.checkpoint(), task, sim())) == whole


def test_the_command_line_trains_evaluates_and_resumes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, checkpoint = tmp_path / "p.safetensors", tmp_path / "c.safetensors"
    robot = ["--robot", str(PENDULUM)]
    settings = [text for name, value in SMALL.items() for text in ("--set", f"{name}={value}")]
    assert main(["train", *robot, *settings, "--out", str(out), "--checkpoint", str(checkpoint)]) == 0
    policy = load_policy(out.read_bytes())
    assert policy.task.startswith("own-pendulum-")
    assert main(["evaluate", str(out), *robot, "--seeds", "2"]) == 0
    assert main(["train", "--resume", str(checkpoint), *robot, "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(out), "--seeds", "2"]) == 2
    assert "somebody's own robot, which is not known here" in capsys.readouterr().err
    assert main(["evaluate", str(out), "--robot", str(CRAWLER), "--seeds", "2"]) == 2


def test_an_unknown_own_robot_is_said_to_be_one() -> None:
    with pytest.raises(ConfigError, match="bring the robot's file"):
        get_task("own-crawler-0123456789ab")


def test_of_an_archive_only_the_folder_of_the_model_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "robots.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("arm/arm.xml", PENDULUM.read_text())
        archive.writestr("arm/meshes/a.obj", "v 0 0 0")
        archive.writestr("arm2/deeper/b.obj", "v 0 0 0")
    assert unpack(read_robot(path)).files == {"meshes/a.obj": b"v 0 0 0"}


def test_a_model_text_holds_its_files() -> None:
    parts = unpack(pack("<mujoco/>", {"b.obj": b"\0\xff", "a/c.stl": b""}))
    assert (parts.xml, parts.files) == ("<mujoco/>", {"a/c.stl": b"", "b.obj": b"\0\xff"})
    assert unpack(pack("<mujoco/>", {})).xml == "<mujoco/>"
    with pytest.raises(ModelError, match="damaged"):
        unpack('{"xml": "<mujoco/>", "files": {"a": "?"}}')
    with pytest.raises(ModelError, match="cannot be read"):
        compile_model("<mujoco><rocket/></mujoco>", "mine.xml")
