"""Robots of the Watch room beside native runs: each is its own, whatever it shares with others."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
import pytest

from tabrl_py.algos.team import Team
from tabrl_py.player_messages import Disturb, StartPlaying
from tabrl_py.protocol import FromWorker, Push
from tabrl_py.rewards.trace import trace_reward
from tabrl_py.sim.batch import BatchSim
from tabrl_py.sim.models import model_path
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import TaskSpec, get_task
from tabrl_py.types import F32, F64
from tabrl_py.workers.player import Show
from tests.parity.node_sim import ROOT, Node
from tests.parity.test_player_without_python import Ask, Host, ask, job_of, node, workers

__all__ = ["ask", "node", "workers"]

WALK = ROOT / "web" / "policies" / "humanoid-walk.safetensors"
TASK = "humanoid-walk"
ROBOTS, STEPS, SEED = 24, 200, 7
CUTS = [[0, 7], [7, 1], [8, 16]]
"""First rows and numbers of rows of three workers."""
EVERY = 10
"""The native run takes over the room's states so often: walking doubles the last bit in which the two builds
of the engine differ again and again, and after 200 steps another foot would be ahead."""
SAME_ENGINE_M, NATIVE_M = 1e-5, 1e-4
PUSHES = {
    30: Push(3, 1, [250.0, 60.0, 0.0], [0.1, 0.0, 1.2]),
    60: Push(20, 1, [0.0, 300.0, 0.0], [1.0, 0.0, 1.2]),
}


class NativeHost:
    """Python's player on the native engine."""

    def post(self, message: FromWorker) -> None:
        pass

    def make_sim(self, task: TaskSpec, xml: str, n_envs: int) -> BatchSim:
        return NativeBatchSim(task, n_envs)

    def now(self) -> float:
        return 0.0

    def team(self, members: int, member: int) -> Team:
        raise AssertionError("a player has no team")


@dataclass(frozen=True)
class Room:
    """What robots in workers did: poses (T, N, nbody, 7); states and observations every so many steps."""

    poses: F32
    states: list[F64]
    obs: list[F32]


def in_workers(ask: Ask, said: Sequence[tuple[int, str, Any]] = (), rows: int = 5) -> Room:
    """The robots of the room, spread over workers."""
    task = get_task(TASK)
    job = job_of(task, WALK.read_bytes(), n_envs=ROBOTS, seed=SEED, deterministic=True, speed=1)
    listed = [{"at": at, "call": call, "argument": argument.__dict__} for at, call, argument in said]
    order = {"programs": {TASK: trace_reward(task)}, "cuts": CUTS, "rows": rows, "steps": STEPS}
    answer = ask("crowd", message=job, every=EVERY, said=listed, **order)
    poses = [np.frombuffer(base64.b64decode(each), np.float32) for each in answer["poses"]]
    kept = [{name: base64.b64decode(text) for name, text in each.items()} for each in answer["states"]]
    return Room(
        np.stack(poses).reshape(STEPS, ROBOTS, -1, 7),
        [np.frombuffer(each["states"], np.float64).reshape(ROBOTS, -1) for each in kept],
        [np.frombuffer(each["obs"], np.float32).reshape(ROBOTS, -1) for each in kept],
    )


def in_python(host: Host | NativeHost, change: Callable[[int, Show], None]) -> F32:
    """The same of one show in Python; `change` is called before each step."""
    record = json.loads(json.dumps(get_task(TASK).to_json()))
    xml = model_path(get_task(TASK).model).read_text()
    show = Show(host, StartPlaying(record, xml, WALK.read_bytes(), ROBOTS, SEED))
    poses = []
    for step in range(STEPS):
        change(step, show)
        show.step()
        poses.append(np.frombuffer(show.frame(None).poses, np.float32))
    return np.stack(poses).reshape(STEPS, ROBOTS, -1, 7)


def natively(room: Room, change: Callable[[int, Show], None]) -> F32:
    """On the native engine, taking the room's states over every so many steps."""

    def begin(step: int, show: Show) -> None:
        if step % EVERY == 0:
            show.sim.load_states(room.states[step // EVERY])
            show.sim.obs[...] = room.obs[step // EVERY]
        change(step, show)

    return in_python(NativeHost(), begin)


def check_same(room: F32, other: F32, tolerance_m: float) -> None:
    apart = np.abs(room[..., :3] - other[..., :3]).max(axis=(0, 2, 3))
    assert apart.max() <= tolerance_m, f"robots are apart by (m) {[float(f'{x:.2g}') for x in apart]}"


def push(step: int, show: Show) -> None:
    if step in PUSHES:
        show.push(PUSHES[step])


def test_every_robot_is_its_own_and_a_run_of_its_own(ask: Ask, node: Node) -> None:
    room = in_workers(ask, [(at, "push", each) for at, each in PUSHES.items()])
    check_same(room.poses, in_python(Host(node), push), SAME_ENGINE_M)
    check_same(room.poses, natively(room, push), NATIVE_M)
    last = room.poses[-1].reshape(ROBOTS, -1)
    for row in range(ROBOTS):
        others = np.delete(last, row, axis=0)
        assert np.abs(others - last[row]).max(axis=1).min() > 1e-4, f"robot {row} is another one's double"


def test_rows_at_a_time_and_workers_change_nothing(ask: Ask) -> None:
    np.testing.assert_array_equal(in_workers(ask, rows=1).poses, in_workers(ask, rows=64).poses)


def change_natively(show: Show, world: Disturb) -> None:
    """What a disturbance is, written once more for the native model."""
    assert isinstance(show.sim, NativeBatchSim)
    model: mujoco.MjModel = show.sim._model
    model.geom_friction[:] *= world.friction
    down = model.opt.gravity[2] * world.gravity / np.sqrt(1.0 + world.slope**2)
    model.opt.gravity[:] = [world.slope * down, 0.0, down]
    if world.motor >= 0:
        model.actuator_gainprm[world.motor] = 0.0
        model.actuator_biasprm[world.motor] = 0.0


WORLDS = {
    "slope": Disturb(slope=0.1),
    "slippery": Disturb(friction=0.2),
    "moon": Disturb(gravity=0.165),
    "broken motor": Disturb(motor=8),
}


@pytest.mark.parametrize("name", WORLDS)
def test_a_changed_world_is_in_the_physics(ask: Ask, name: str) -> None:
    world, begins = WORLDS[name], 40
    room = in_workers(ask, [(begins, "disturb", world)])
    native = natively(room, lambda step, show: change_natively(show, world) if step == begins else None)
    check_same(room.poses, native, NATIVE_M)
    plain = natively(room, lambda step, show: None)
    assert np.abs(native[begins + EVERY - 1] - plain[begins + EVERY - 1]).max() > 0.002, "it must matter"


def test_a_world_that_was_changed_back_is_the_plain_one(ask: Ask) -> None:
    there = Disturb(slope=0.2, friction=0.1, gravity=0.5, motor=3)
    back = in_workers(ask, [(0, "disturb", there), (0, "disturb", Disturb())])
    np.testing.assert_array_equal(back.poses, in_workers(ask).poses)
