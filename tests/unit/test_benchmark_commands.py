"""How the commands benchmark tells one thing, and what it takes for having been done."""

from __future__ import annotations

import numpy as np

from benchmarks.commands import COMMANDS, TASK, Row, _moved, told
from tabrl_py.tasks import get_task
from tabrl_py.tasks.reset import draw_command


def test_a_robot_is_told_the_same_in_every_episode_and_to_its_end() -> None:
    task = get_task(TASK)
    for command in COMMANDS.values():
        alone = told(task, command)
        assert alone.command is not None
        assert alone.command.hold_steps >= alone.time_limit
        drawn = [draw_command(alone.command, np.random.default_rng(seed)) for seed in range(20)]
        np.testing.assert_array_equal(drawn, [command] * 20)


def test_commands_are_within_what_the_task_may_be_told() -> None:
    spec = get_task(TASK).command
    assert spec is not None
    for command in COMMANDS.values():
        assert np.all(np.array(spec.low) <= command)
        assert np.all(np.array(command) <= spec.high)


def test_velocities_are_those_of_the_robots_own_heading() -> None:
    """One robot faces along y and goes along x, to its right; the other turns left by a quarter in 0.5 s."""
    places = {"heading": slice(0, 2), "com_velocity": slice(2, 5)}
    now = np.array([[0.0, 2.0, 0.3, 0.1, 9.0], [0.0, 1.0, 0.0, 0.0, 0.0]])
    before = np.array([[0.0, 1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0]])
    moved = _moved(now, before, places, 0.5)
    np.testing.assert_allclose(moved, [[0.1, -0.3, 0.0], [0.0, 0.0, np.pi]], atol=1e-12)


def test_errors_are_differences_from_the_command() -> None:
    row = Row("", (1.0, 0.0, -0.5), (1.3, -0.4, 0.5), 0)
    assert np.isclose(row.velocity_error, 0.5)
    assert np.isclose(row.turn_error, 1.0)
