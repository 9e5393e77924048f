"""The walk benchmark sees what a robot does, and finds the first policy that walks."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks import _runs, walk
from benchmarks._turns import in_turns
from benchmarks._walks import Body, record
from tabrl_py.algos.gait import judge_walk
from tabrl_py.nn.mlp import parameter_count
from tabrl_py.policy import Policy, save_policy
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task

TASK = get_task("humanoid-walk")


def constant_policy(weight: float = 0.0, steps: int = 1) -> Policy:
    """A policy whose weights are all the same: 0 holds the middle of every joint, 5 their ends."""
    sizes = (TASK.obs_size, 4, TASK.action_size)
    return Policy(
        task=TASK.id,
        model=TASK.model,
        layout_version=TASK.layout_version,
        sizes=sizes,
        activation="tanh",
        action_low=TASK.action_low,
        action_high=TASK.action_high,
        params=np.full(parameter_count(sizes) + TASK.action_size, weight, np.float32),
        obs_mean=None,
        obs_var=None,
        obs_count=0.0,
        steps=steps,
    )


def test_a_robot_that_holds_still_stands_and_does_not_walk() -> None:
    track = record(constant_policy(), 0)
    assert not track.fallen
    assert track.left_down[20:].all()
    assert track.right_down[20:].all()
    assert np.abs(track.forward_m).max() < 0.3
    assert np.abs(track.lead_m).max() < 0.3
    verdict = judge_walk(track)
    assert verdict.seconds == pytest.approx(20.0)
    assert verdict.tilt_deg < 15.0
    assert not verdict.walks
    assert [words.split()[0] for words in verdict.failures] == ["came", "made", "only"]


def test_a_robot_that_bends_every_joint_falls() -> None:
    track = record(constant_policy(5.0), 0)
    assert track.fallen
    verdict = judge_walk(track)
    assert 0.1 < verdict.seconds < 5.0
    assert verdict.failures[0].startswith("fell after")
    assert not walk.walks(save_policy(constant_policy(5.0)))


def test_a_body_is_where_the_simulation_says() -> None:
    sim, body = NativeBatchSim(TASK, 1), Body(TASK.model)
    sim.watch([0])
    torso, left, right = 1, 10, 7
    for _ in range(20):
        sim.step(np.zeros((1, sim.nu), np.float32))
    # Poses are those of the last physics step's start, 5 ms before the state.
    body.take(sim.states()[0])
    np.testing.assert_allclose(body.place, sim.poses[0, torso, :3], atol=0.02)
    assert body.lead == pytest.approx(sim.poses[0, left, 0] - sim.poses[0, right, 0], abs=0.02)


def test_lying_down_is_more_than_feet_on_the_ground() -> None:
    sim, body = NativeBatchSim(TASK, 1), Body(TASK.model)
    state = sim.states()[0]
    body.take(state)
    assert body.tilt < np.radians(5.0)
    state[1 + 1 + 2] = 0.1  # height, after the elapsed steps and the time
    state[1 + 1 + 3 : 1 + 1 + 7] = np.cos(np.pi / 4), 0.0, np.sin(np.pi / 4), 0.0
    body.take(state)
    assert body.tilt == pytest.approx(np.pi / 2, abs=0.1)
    assert body.grounded() - {"left_foot", "right_foot"}


def test_the_first_policy_that_walks_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [(10.0 * k, save_policy(constant_policy(steps=1000 * k))) for k in range(1, 10)]
    judged: list[bytes] = []

    def walks(file: bytes) -> bool:
        judged.append(file)
        return file in {files[4][1], files[6][1]}

    assert walk.first_walk(files) is None
    monkeypatch.setattr(walk, "walks", walks)
    assert walk.first_walk(files) == (50.0 / 60, 5000)
    assert judged == [files[k][1] for k in (0, 2, 4)], "one policy each 20 s, until the first that walks"


def test_sides_take_turns_and_each_begins_a_round() -> None:
    order: list[str] = []

    def side(name: str) -> float:
        order.append(name)
        return float(len(order))

    found = in_turns({name: partial(side, name) for name in "abc"}, rounds=2, warm_up=1)
    assert "".join(order) == "abcbcacab"
    assert found == {"a": [6.0, 8.0], "b": [4.0, 9.0], "c": [5.0, 7.0]}


def test_runs_of_another_page_are_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[int] = []

    def train(page: Path, seed: int, steps: int | None) -> tuple[dict[str, object], list[object], str]:
        trained.append(seed)
        return {"seed": seed, "minutes": 1.0, "steps": 2}, [], "a browser"

    monkeypatch.setattr(walk, "train", train)
    monkeypatch.setattr(walk, "report", lambda run, policies: run)
    monkeypatch.setattr(_runs, "CACHE", tmp_path / "cache")
    page = tmp_path / "page"
    page.mkdir()
    (page / "main.js").write_text("1")
    first = walk.reported(page, 1, None)
    assert walk.reported(page, 1, None) == first
    assert trained == [1]
    walk.reported(page, 2, None)
    (page / "main.js").write_text("2")
    walk.reported(page, 1, None)
    assert trained == [1, 2, 1]
