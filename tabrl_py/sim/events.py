"""What happens to robots while their episodes run: other commands, pushes."""

import math
from dataclasses import dataclass

import numpy as np

from tabrl_py.rng import Purpose, stream
from tabrl_py.sim.batch import BatchSim
from tabrl_py.tasks.reset import command_level, draw_command
from tabrl_py.tasks.spec import Randomization, TaskSpec
from tabrl_py.types import I64

STEPS_OF_EPISODE = 20
"""Bits of a stream's step that count control steps; the others count episodes."""
SPREAD = (37, 101)
"""Index and episode shift the steps at which pushes come by so much: not all rows are pushed at once."""


@dataclass(frozen=True)
class Episodes:
    """The episode that each row of a simulation is in; it names the streams of what happens in it.

    Attributes:
        seed, index, number: (N,) each.
    """

    seed: I64
    index: I64
    number: I64

    def rng(self, purpose: Purpose, row: int, step: int) -> np.random.Generator:
        """The stream of a control step of a row's episode."""
        at = (int(self.number[row]) << STEPS_OF_EPISODE) | step
        return stream(int(self.seed[row]), purpose, int(self.index[row]), at)


class Events:
    """Gives rows new commands and pushes them, each drawn from a stream of its episode and step.

    Attributes:
        any: whether the task has such events at all.
    """

    def __init__(self, task: TaskSpec, sim: BatchSim, randomize: bool = False) -> None:
        """Nothing has happened yet.

        Args:
            task: says what happens.
            sim: whose rows it happens to.
            randomize: whether all of the task's randomizations apply, not only those that are part of it.
        """
        self._task, self._sim = task, sim
        self._push = _push_of(task, randomize)
        self.any = task.command is not None or self._push is not None

    def before_step(self, episodes: Episodes, level: float = 1.0, commanded: bool = False) -> None:
        """What is due before the next step.

        Args:
            episodes: that the rows are in.
            level: of the task's curriculum, 0 to 1.
            commanded: someone else gives the commands.
        """
        steps = self._sim.steps.astype(np.int64)
        if not commanded and self._task.command is not None:
            self._give_commands(episodes, steps, level)
        if self._push is not None:
            self._give_pushes(episodes, steps, level, self._push)

    def _give_commands(self, episodes: Episodes, steps: I64, level: float) -> None:
        spec = self._task.command
        assert spec is not None
        due = np.flatnonzero((steps > 0) & (steps % spec.hold_steps == 0)).tolist()
        if due:
            width = command_level(self._task, level)
            drawn = [
                draw_command(spec, episodes.rng(Purpose.COMMAND, row, int(steps[row])), width) for row in due
            ]
            self._sim.set_commands(due, np.array(drawn))

    def _give_pushes(self, episodes: Episodes, steps: I64, level: float, push: Randomization) -> None:
        shifted = steps + SPREAD[0] * episodes.index + SPREAD[1] * episodes.number
        due = np.flatnonzero((steps > 0) & (shifted % push.every_steps == 0)).tolist()
        if not due:
            return
        curriculum = self._task.curriculum
        width = level if curriculum is not None and push.name in curriculum.scales else 1.0
        velocities = []
        for row in due:
            rng = episodes.rng(Purpose.PUSH, row, int(steps[row]))
            speed = width * rng.uniform(push.low, push.high)
            angle = rng.uniform(-math.pi, math.pi)
            velocities.append((speed * math.cos(angle), speed * math.sin(angle)))
        self._sim.kick(due, np.array(velocities))


def _push_of(task: TaskSpec, randomize: bool) -> Randomization | None:
    """The pushes of the task, if they apply."""
    found = [entry for entry in task.randomization if entry.name == "push" and (entry.always or randomize)]
    return found[0] if found else None
