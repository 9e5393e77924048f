"""Robots in one physics world: alone each moves as in its own, together they touch, balls hit them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tabrl_py.player_messages import Disturb, Throw
from tabrl_py.protocol import Push
from tabrl_py.rewards.trace import trace_reward
from tabrl_py.tasks import get_task
from tabrl_py.types import F32
from tests.parity.test_arena import TASK, WALK
from tests.parity.test_player_without_python import Ask, ask, job_of, node, workers

__all__ = ["ask", "node", "workers"]

SEED, TORSO = 7, 1
APART_STEPS, APART_M = 32, 1e-6
"""Neighbours a step apart do not meet within so many control steps. Nothing but the rounding of their places
differs (1.8e-7 m, as float32) until the solver stops at another moment; contact doubles that, and after
some 30 to 50 steps it is seen, by where the robot began."""
ALONE_SEEDS, ALONE_STEPS, EVERY_STEPS = range(8), 40, 30
"""Lone robots: half of them for so many steps, every one for the fewer."""


@dataclass(frozen=True)
class Shared:
    """What robots in one world did: poses (T, N, nbody, 7), balls (T, B, 3), numbers of contacts."""

    poses: F32
    balls: list[F32]
    robots_touch: list[int]
    balls_touch: list[int]


def together(
    ask: Ask,
    counts: Sequence[tuple[bytes | None, int]],
    steps: int,
    said: Sequence[Any] = (),
    seed: int = SEED,
) -> Shared:
    """Let policies (None: random actions) with so many robots each act in one world."""
    task = get_task(TASK)
    jobs = [job_of(task, policy, n_envs=n, seed=seed, deterministic=True, speed=1) for policy, n in counts]
    listed = [{"at": at, "call": call, "argument": argument.__dict__} for at, call, argument in said]
    answer = ask("together", messages=jobs, programs={TASK: trace_reward(task)}, steps=steps, said=listed)
    poses = np.stack([np.frombuffer(base64.b64decode(each), np.float32) for each in answer["poses"]])
    touching = answer["touching"]
    return Shared(
        poses.reshape(steps, sum(n for _, n in counts), -1, 7),
        [np.asarray(each, np.float32).reshape(-1, 3) for each in answer["balls"]],
        [each["robots"] for each in touching],
        [each["balls"] for each in touching],
    )


def apart(ask: Ask, robots: int, steps: int, said: Sequence[Any] = (), seed: int = SEED) -> F32:
    """The same robots in worlds of their own."""
    task = get_task(TASK)
    job = job_of(task, WALK.read_bytes(), n_envs=robots, seed=seed, deterministic=True, speed=1)
    listed = [{"at": at, "call": call, "argument": argument.__dict__} for at, call, argument in said]
    order: dict[str, Any] = {"programs": {TASK: trace_reward(task)}, "cuts": [[0, robots]], "rows": 64}
    answer = ask("crowd", message=job, steps=steps, every=steps, said=listed, **order)
    poses = np.stack([np.frombuffer(base64.b64decode(each), np.float32) for each in answer["poses"]])
    return poses.reshape(steps, robots, -1, 7)


def from_origin(poses: F32, first: F32) -> F32:
    """Places (T, N, nbody, 3) as if each robot's torso had begun at x, y of `first` (N, 2)."""
    shift = poses[0, :, TORSO, :2] - first
    places = poses[..., 1:, :3].copy()
    places[..., :2] -= shift[None, :, None, :]
    return places


def test_alone_in_a_shared_world_a_robot_moves_as_in_its_own(ask: Ask) -> None:
    worst = []
    for seed in ALONE_SEEDS:
        shared = together(ask, [(WALK.read_bytes(), 1)], ALONE_STEPS, seed=seed)
        off = np.abs(shared.poses[..., :3] - apart(ask, 1, ALONE_STEPS, seed=seed)[..., :3])
        assert off[:EVERY_STEPS].max() <= APART_M
        worst.append(off.max())
    assert np.median(worst) <= APART_M


def test_robots_that_do_not_meet_move_as_in_their_own_worlds(ask: Ask) -> None:
    pushes = [(4, "push", Push(5, TORSO, [0.0, 0.0, 90.0], [0.0, 0.0, 1.2]))]
    shared = together(ask, [(WALK.read_bytes(), 9)], APART_STEPS)
    own = apart(ask, 9, APART_STEPS)
    assert sum(shared.robots_touch) == 0
    places = from_origin(shared.poses, own[0, :, TORSO, :2])
    np.testing.assert_allclose(places, own[..., 1:, :3], rtol=0, atol=APART_M)
    pushed = together(ask, [(WALK.read_bytes(), 9)], APART_STEPS, pushes)
    moved = np.abs(pushed.poses - shared.poses).max(axis=(0, 2, 3))
    assert moved[5] > 1e-3
    assert np.delete(moved, 5).max() < APART_M


def test_robots_touch_and_stay_themselves(ask: Ask) -> None:
    shared = together(ask, [(WALK.read_bytes(), 6), (None, 6)], 160)
    assert sum(shared.robots_touch) > 0
    assert np.isfinite(shared.poses).all()
    last = shared.poses[-1].reshape(12, -1)
    for row in range(12):
        assert np.abs(np.delete(last, row, axis=0) - last[row]).max(axis=1).min() > 1e-3


def test_a_ball_is_thrown_and_hits(ask: Ask) -> None:
    thrown = together(ask, [(WALK.read_bytes(), 2)], 60, [(10, "throw", Throw(row=1, body=TORSO))])
    plain = together(ask, [(WALK.read_bytes(), 2)], 60)
    assert [len(each) for each in thrown.balls[9:11]] == [0, 1]
    assert sum(thrown.balls_touch) > 0
    assert sum(plain.balls_touch) == 0
    flight = np.stack([each[0] for each in thrown.balls[10:]])
    assert np.linalg.norm(flight[1] - flight[0]) / 0.025 > 5.0, "it flies"
    assert np.abs(thrown.poses[-1, 1] - plain.poses[-1, 1]).max() > 0.02, "the robot feels it"


def test_the_world_of_all_is_changed(ask: Ask) -> None:
    plain = together(ask, [(WALK.read_bytes(), 3)], 30)
    moon = together(ask, [(WALK.read_bytes(), 3)], 30, [(0, "disturb", Disturb(gravity=0.165))])
    assert np.abs(plain.poses[-1] - moon.poses[-1]).max(axis=(1, 2)).min() > 0.01


def test_a_world_holds_fifty(ask: Ask) -> None:
    with pytest.raises(AssertionError, match="choose 1 to 50"):
        together(ask, [(None, 51)], 1)
