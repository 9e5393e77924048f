"""The deterministic policy of a file on the evaluation seeds, natively, with what its body really does."""

from __future__ import annotations

from collections.abc import Iterator

import mujoco
import numpy as np

from tabrl_py.algos.gait import SECONDS, Track, Verdict, judge_walk
from tabrl_py.policy import Policy, check_fits, load_policy
from tabrl_py.sim.models import model_path
from tabrl_py.sim.native import STATE, NativeBatchSim
from tabrl_py.sim.seeded import evaluation_start
from tabrl_py.tasks import get_task
from tabrl_py.types import F64, Bool

SEEDS = range(10)


class Body:
    """The robot at a state of the simulation, its positions and contacts computed anew."""

    def __init__(self, model: str) -> None:
        """Load a model whose bodies include left_foot, right_foot and torso."""
        self._model = mujoco.MjModel.from_xml_path(str(model_path(model)))
        self._data = mujoco.MjData(self._model)
        self._size = mujoco.mj_stateSize(self._model, STATE)

    def take(self, row: F64) -> None:
        """Put it where a row of BatchSim.states() says."""
        mujoco.mj_setState(self._model, self._data, row[1 : 1 + self._size], STATE)
        mujoco.mj_forward(self._model, self._data)

    @property
    def place(self) -> F64:
        """(3,) m, of the torso."""
        place: F64 = self._data.body("torso").xpos.copy()
        return place

    @property
    def tilt(self) -> float:
        """Rad, between the torso's own z axis and the vertical."""
        return float(np.arccos(np.clip(self._data.body("torso").xmat[8], -1.0, 1.0)))

    @property
    def lead(self) -> float:
        """How far along x the left foot is before the right one, m."""
        return float(self._data.body("left_foot").xpos[0] - self._data.body("right_foot").xpos[0])

    def grounded(self) -> set[str]:
        """Names of the bodies that touch the world's own."""
        pairs = self._model.geom_bodyid[self._data.contact.geom]
        touching = pairs[(pairs == 0).any(axis=1)].max(axis=1, initial=0)
        return {self._model.body(body).name for body in touching}


def record(policy: Policy, seed: int) -> Track:
    """What a policy does from an evaluation seed on, for 20 s or until it falls."""
    task = get_task(policy.task)
    check_fits(policy, task)
    sim, body = NativeBatchSim(task, 1), Body(task.model)
    sim.next_init[0] = evaluation_start(task, sim, seed)
    sim.reset()
    body.take(sim.states()[0])
    first = body.place[0]
    steps = round(SECONDS / sim.dt)
    seen: F64 = np.zeros((3, steps))
    down: Bool = np.zeros((2, steps), np.bool_)
    made, fallen = 0, False
    while made < steps and not fallen:
        sim.step(policy.act(sim.obs))
        fallen = bool(sim.terminated[0])
        if fallen or sim.truncated[0]:
            break
        body.take(sim.states()[0])
        grounded = body.grounded()
        fallen = not grounded <= {"left_foot", "right_foot"}
        seen[:, made] = body.place[0] - first, body.tilt, body.lead
        down[:, made] = "left_foot" in grounded, "right_foot" in grounded
        made += 1
    forward, tilt, lead = seen[:, :made]
    left, right = down[:, :made]
    return Track(sim.dt, forward, tilt, left, right, lead, fallen)


def verdicts(data: bytes) -> Iterator[Verdict]:
    """What is to be said of a policy file on one evaluation seed after the other."""
    policy = load_policy(data)
    for seed in SEEDS:
        yield judge_walk(record(policy, seed))
