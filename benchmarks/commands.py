"""What the policy that follows commands does when it is told one thing: `./build.sh bench commands`.

Natively, the deterministic policy on 10 evaluation seeds for each command, which holds for 20 s from the
first step on. Mean velocities are those of the centre of mass as the robot heads, after the first second, to
the end or the fall; the turning rate is the whole angle turned in that time.

- `falls`: of all those episodes, and `episodes`.
- `velocity_error`, `turn_error`: how far the means are from the command, m/s and rad/s, on average over the
  commands; `worst_velocity_error` and `worst_turn_error` are those of the worst one.
- `changing_falls`: of 50 further episodes of 25 s in which the command changes every 4 s, as in training.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks import _results
from benchmarks.zoo import POLICIES
from tabrl_py.algos.evaluate import Evaluator
from tabrl_py.policy import Policy, check_fits, load_policy
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.sim.seeded import evaluation_start
from tabrl_py.tasks import get_task
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F64, Bool

TASK = "humanoid-command"
SEEDS = range(10)
CHANGING_SEEDS = range(50)
SECONDS, FROM_S = 20.0, 1.0
COMMANDS: dict[str, tuple[float, float, float]] = {
    "stand still": (0.0, 0.0, 0.0),
    "forward, slowly": (0.5, 0.0, 0.0),
    "forward": (1.0, 0.0, 0.0),
    "forward, as fast as it may be told": (1.4, 0.0, 0.0),
    "back": (-0.6, 0.0, 0.0),
    "left": (0.0, 0.4, 0.0),
    "right": (0.0, -0.4, 0.0),
    "turn left": (0.0, 0.0, 1.0),
    "turn right": (0.0, 0.0, -1.0),
    "forward in a left curve": (1.0, 0.0, 0.5),
    "forward in a tight right curve": (1.4, 0.0, -1.0),
    "back and to the left": (-0.4, 0.3, 0.0),
}
"""Forward and to the left, m/s, and turning to the left, rad/s."""


@dataclass(frozen=True)
class Row:
    """What came of one command.

    Attributes:
        words: the command's name.
        command: forward (m/s), left (m/s), turn (rad/s).
        done: (3,) the same, as done: the mean over seeds.
        falls: of the seeds.
    """

    words: str
    command: tuple[float, float, float]
    done: tuple[float, float, float]
    falls: int

    @property
    def velocity_error(self) -> float:
        """Length of the difference, m/s."""
        return float(np.hypot(self.done[0] - self.command[0], self.done[1] - self.command[1]))

    @property
    def turn_error(self) -> float:
        """Rad/s."""
        return abs(self.done[2] - self.command[2])


def told(task: TaskSpec, command: tuple[float, float, float]) -> TaskSpec:
    """The task with one command for the whole episode."""
    assert task.command is not None
    always = replace(task.command, low=command, high=command, zero_share=0.0, single_share=0.0)
    return replace(task, command=replace(always, hold_steps=task.time_limit))


def obey(policy: Policy, task: TaskSpec, words: str, command: tuple[float, float, float]) -> Row:
    """Tell a policy one thing on every seed."""
    alone = told(task, command)
    sim = NativeBatchSim(alone, len(SEEDS))
    for row, seed in enumerate(SEEDS):
        sim.next_init[row] = evaluation_start(alone, sim, seed)
    sim.reset()
    places, first = alone.signal_slices(), round(FROM_S / sim.dt)
    up: Bool = np.ones(len(SEEDS), np.bool_)
    summed: F64 = np.zeros((len(SEEDS), 3))
    counted: F64 = np.zeros(len(SEEDS))
    for step in range(round(SECONDS / sim.dt)):
        sim.step(policy.act(sim.obs))
        up &= ~sim.terminated
        if step >= first:
            summed[up] += _moved(sim.signals, sim.prev_signals, places, sim.dt)[up]
            counted[up] += 1.0
    done = (summed / np.maximum(counted, 1.0)[:, None]).mean(axis=0)
    sim.close()
    return Row(words, command, (float(done[0]), float(done[1]), float(done[2])), int((~up).sum()))


def _moved(now: F64, before: F64, places: dict[str, slice], dt_s: float) -> F64:
    """(N, 3): velocity forward and to the left as each robot heads, m/s, and its turning rate, rad/s."""
    heading, last = now[:, places["heading"]], before[:, places["heading"]]
    velocity = now[:, places["com_velocity"]]
    forward = heading / np.linalg.norm(heading, axis=1, keepdims=True)
    turned = np.arctan2(last[:, 0] * heading[:, 1] - last[:, 1] * heading[:, 0], (last * heading).sum(axis=1))
    along = forward[:, 0] * velocity[:, 0] + forward[:, 1] * velocity[:, 1]
    aside = forward[:, 0] * velocity[:, 1] - forward[:, 1] * velocity[:, 0]
    return np.stack([along, aside, turned / dt_s], axis=1)


def changing_falls(policy: Policy, task: TaskSpec) -> int:
    """How many of CHANGING_SEEDS end in a fall while the command changes as the task says."""
    sim = NativeBatchSim(task, len(CHANGING_SEEDS))
    evaluator = Evaluator(policy, task, sim, CHANGING_SEEDS)
    while (evaluation := evaluator.advance()) is None:
        pass
    sim.close()
    return sum(evaluation.terminated)


def tabulate(rows: list[Row], falls: int) -> str:
    """The table in Markdown: told and done, in m/s and rad/s."""
    lines = [
        "| told | forward, left, turn | done: forward, left, turn | falls |",
        "|---|---|---|---|",
    ]
    for row in rows:
        asked = ", ".join(f"{x:.1f}" for x in row.command)
        done = ", ".join(f"{x:.2f}" for x in row.done)
        lines.append(f"| {row.words} | {asked} | {done} | {row.falls} of {len(SEEDS)} |")
    return "\n".join(
        [
            *lines,
            "",
            f"Another command every 4 s for 25 s: {falls} of {len(CHANGING_SEEDS)} episodes end in a fall.",
            "",
        ]
    )


def main() -> None:
    """Tell the policy all commands; print the table and, last, one JSON object."""
    parser = argparse.ArgumentParser(prog="./build.sh bench commands", description=__doc__)
    parser.add_argument("--policy", type=Path, help="another policy file than the shipped one: only printed")
    options = parser.parse_args()
    file = options.policy or POLICIES / f"{TASK}.safetensors"
    if not file.is_file():
        sys.exit(f"{file} is not there; train {TASK} and give its policy's file with --policy FILE")
    policy = load_policy(file.read_bytes())
    task = get_task(TASK)
    check_fits(policy, task)
    rows = [obey(policy, task, words, command) for words, command in COMMANDS.items()]
    falls = changing_falls(policy, task)
    figures = {
        "falls": sum(row.falls for row in rows),
        "episodes": len(rows) * len(SEEDS),
        "velocity_error": round(float(np.mean([row.velocity_error for row in rows])), 3),
        "turn_error": round(float(np.mean([row.turn_error for row in rows])), 3),
        "worst_velocity_error": round(max(row.velocity_error for row in rows), 3),
        "worst_turn_error": round(max(row.turn_error for row in rows), 3),
        "changing_falls": falls,
    }
    table = tabulate(rows, falls)
    print(table)
    if options.policy is None:
        _results.write("commands", "./build.sh bench commands", table, {"figures": figures})
    print(json.dumps({"bench": "commands", "figures": figures}))


if __name__ == "__main__":
    main()
