"""Rewards against numbers computed by hand."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from tabrl_py.errors import ConfigError
from tabrl_py.rewards import State, compute_reward
from tabrl_py.rewards.library import (
    balance,
    double_balance,
    follow,
    get_up,
    go_forward,
    stand,
    stand_up,
    travel,
)
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import TASKS
from tabrl_py.tasks.spec import RewardSpec

FALLEN = [False, True]


def state(now: Mapping[str, object], before: Mapping[str, object] | None = None, dt: float = 0.5) -> State:
    """Two environments: the first goes on, the second has fallen; both acted (1, -2)."""

    def rows(signals: Mapping[str, object]) -> np.ndarray:
        return np.concatenate(
            [np.array(v, dtype=np.float64).reshape(2, -1) for v in signals.values()], axis=1
        )

    slices, at = {}, 0
    for name, values in now.items():
        size = np.array(values).size // 2
        slices[name] = slice(at, at + size)
        at += size
    action = np.array([[1.0, -2.0], [1.0, -2.0]])
    return State(slices, rows(now), rows(before or now), action, dt, np.array(FALLEN))


def check(result: tuple[np.ndarray, dict[str, np.ndarray]], expected: dict[str, list[float]]) -> None:
    total, terms = result
    assert set(terms) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(terms[name], values, rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(total, np.sum(list(expected.values()), axis=0), rtol=1e-12)


def test_signals_have_a_leading_axis_of_environments() -> None:
    s = state({"height": [1.0, 2.0], "tip": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]})
    assert s.height.shape == (2,)
    assert s.tip.shape == (2, 3)
    np.testing.assert_array_equal(s.tip[1], [4.0, 5.0, 6.0])
    assert s.prev.height.shape == (2,)
    assert s.action.shape == (2, 2)


def test_unknown_signal_names_those_there_are() -> None:
    s = state({"height": [1.0, 2.0]})
    with pytest.raises(AttributeError, match="no signal 'speed'; its signals are height"):
        _ = s.speed


def test_balance_pays_for_standing() -> None:
    check(balance(state({"pole_angle": [0.0, 0.3]})), {"alive": [1.0, 0.0]})


def test_double_balance_by_hand() -> None:
    s = state({"tip": [[1.0, 0.0, 1.5], [0.0, 0.0, 0.5]], "pole_velocities": [[2.0, 1.0], [0.0, 0.0]]})
    check(
        double_balance(s, alive_weight=10.0),
        {"alive": [10.0, 0.0], "distance": [-(0.01 + 0.25), -2.25], "velocity": [-(0.004 + 0.005), 0.0]},
    )


def test_travel_by_hand() -> None:
    s = state({"position": [3.0, 0.0]}, {"position": [2.0, 1.0]})
    check(
        travel(s, forward_weight=2.0, control_weight=0.1),
        {"forward": [4.0, -4.0], "control": [-0.5, -0.5]},
    )


def test_travel_limits_each_force_and_the_whole_contact_cost() -> None:
    now = {"position": [0.0, 0.0], "contact_forces": [[3.0, -4.0], [0.5, 0.0]]}
    weights = {"forward_weight": 1.0, "control_weight": 0.0, "alive_weight": 5.0, "contact_weight": 1.0}
    still = {"forward": [0.0, 0.0], "control": [0.0, 0.0], "alive": [5.0, 0.0]}
    check(travel(state(now), **weights), {**still, "contact": [-25.0, -0.25]})
    check(travel(state(now), **weights, contact_force_limit=1.0), {**still, "contact": [-2.0, -0.25]})
    check(travel(state(now), **weights, contact_cost_limit=10.0), {**still, "contact": [-10.0, -0.25]})


def test_stand_up_by_hand() -> None:
    s = state({"height": [0.5, 1.0], "contact_forces": [[10.0, 0.0], [1.0, 0.0]]})
    check(
        stand_up(s, 100.0, control_weight=0.1, contact_weight=0.5, contact_cost_limit=10.0, alive_weight=1.0),
        {"height": [50.0, 100.0], "control": [-0.5, -0.5], "contact": [-10.0, -0.5], "alive": [1.0, 1.0]},
    )


HOUSE = {
    "head_height": [1.2, 0.9],
    "upright": [0.9, 0.2],
    "heading": [[1.0, 0.0], [0.0, 1.0]],
    "com_velocity": [[0.3, 0.4, 0.0], [2.0, -3.0, 0.0]],
}


def test_stand_by_hand() -> None:
    check(
        stand(state(HOUSE)),
        {
            "alive": [1.0, 0.0],
            "upright": [0.45, 0.1],
            "head": [0.125, 0.0],
            "heading": [0.25, 0.0],
            "still": [-0.125, -0.5],
            "control": [-0.125, -0.125],
        },
    )


def test_go_forward_by_hand() -> None:
    check(
        go_forward(state(HOUSE), target_speed=1.0),
        {
            "alive": [1.0, 0.0],
            "forward": [0.45, 1.5],
            "upright": [0.45, 0.1],
            "heading": [0.25, 0.0],
            "sideways": [-0.1, -0.5],
            "control": [-0.125, -0.125],
        },
    )


def test_follow_by_hand() -> None:
    """The first turns left by the angle whose sine is 0.6; the second does what it is told but turn."""
    gait = {"clock": [0.16, 0.48], "soles": [[400.0, 0.0], [0.0, 9.0]], "control": [[1.0, -2.0]] * 2}
    now = {**HOUSE, **gait, "command": [[0.3, 0.0, 0.2], [-3.0, -2.0, 1.0]]}
    before = {**now, "heading": [[0.8, -0.6], [0.0, 2.0]], "control": [[0.0, -2.0], [1.0, 2.0]]}
    check(
        follow(state(now, before), move_weight=2.0),
        {
            "alive": [1.0, 0.0],
            "move": [0.0, 2.0],
            "turn": [0.0, 0.0],
            "upright": [0.45, 0.1],
            "tilt": [-6.0 * (1.0 - 0.81), -6.0 * (1.0 - 0.04)],
            "control": [-0.125, -0.125],
            "change": [-0.05, -0.8],
            "gait": [1.0, 1.0],
        },
    )
    still = {**now, "com_velocity": [[0.0] * 3, [0.0] * 3], "command": [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]}
    terms = follow(state(still))[1]
    np.testing.assert_allclose(terms["gait"], [1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(terms["move"], [0.0, 4.0], atol=1e-12)
    np.testing.assert_allclose(terms["turn"], [1.0, 1.0], atol=1e-12)


def test_follow_asks_for_both_feet_where_it_is_told_to_stand_still_and_for_one_at_least() -> None:
    now = {
        **HOUSE,
        "clock": [0.16, 0.16],
        "control": [[0.0, 0.0]] * 2,
        "soles": [[400.0, 9.0], [4.0, 4.0]],
        "command": [[0.0, 0.0, 0.06], [0.0, 0.0, 0.0]],
    }
    terms = follow(state(now), flight_weight=3.0, rest_weight=2.0)[1]
    np.testing.assert_allclose(terms["rest"], [2.0 * (1.0 - 0.06 / 0.3), 0.0], atol=1e-12)
    np.testing.assert_allclose(terms["flight"], [0.0, -3.0], atol=1e-12)
    told = {**now, "command": [[0.2, 0.1, 0.1], [0.0, 0.3, 0.0]]}
    assert not np.any(follow(state(told), rest_weight=2.0)[1]["rest"])


def test_get_up_by_hand() -> None:
    check(
        get_up(state(HOUSE)),
        {
            "rise": [1.2 / 1.3, 0.9 / 1.3],
            "upright": [0.45, 0.1],
            "stand": [1.125, 0.0],
            "still": [-0.09375, 0.0],
            "control": [-0.125, -0.125],
        },
    )


def test_reward_of_a_step_reads_the_simulation() -> None:
    task = TASKS["HalfCheetah-v5"]
    sim = NativeBatchSim(task, 3)
    actions = np.full((3, task.action_size), 0.5)
    sim.step(actions)
    total, terms = compute_reward(sim, actions)
    moved = (sim.signals - sim.prev_signals)[:, 0]
    np.testing.assert_allclose(terms["forward"], moved / sim.dt, rtol=1e-12)
    np.testing.assert_allclose(total, moved / sim.dt - 0.1 * 6 * 0.25, rtol=1e-12)
    assert total.dtype == np.float64


def test_unknown_reward_is_refused() -> None:
    sim = NativeBatchSim(TASKS["Hopper-v5"], 1)
    sim.task = replace(sim.task, reward=RewardSpec("fly"))
    with pytest.raises(ConfigError, match=r"'fly' is not known; the rewards are balance"):
        compute_reward(sim, np.zeros((1, 3)))


def test_go_forward_tilt_change_and_gait_by_hand() -> None:
    now = {
        "com_velocity": [[1.0, -0.5, 0.0], [3.0, 0.0, 0.0]],
        "upright": [0.8, 0.0],
        "heading": [[1.0, 0.0], [0.0, 1.0]],
        "clock": [0.2, 0.6],
        "soles": [[300.0, 4.0], [0.0, 300.0]],
        "control": [[0.5, -0.5], [1.0, 1.0]],
    }
    before = {**now, "control": [[0.5, 0.5], [1.0, 1.0]]}
    weights = {"tilt_weight": 3.0, "change_weight": 0.1, "gait_weight": 1.5, "gait_period_s": 0.8}
    total, terms = go_forward(state(now, before), target_speed=1.4, forward_weight=4.0, **weights)
    np.testing.assert_allclose(terms["tilt"], [-3.0 * 0.36, -3.0])
    np.testing.assert_allclose(terms["change"], [-0.1 * 0.5, 0.0])
    # The right foot in the first quarter's end, the left one at three quarters: both in time.
    np.testing.assert_allclose(terms["gait"], [1.5, 1.5])
    np.testing.assert_allclose(total, sum(terms.values()))
    flying = {**now, "soles": [[4.0, 4.0], [0.0, 300.0]]}
    _, terms = go_forward(state(flying, before), target_speed=1.4, flight_weight=0.7)
    np.testing.assert_allclose(terms["flight"], [-0.7, 0.0])
    late, _ = go_forward(state({**now, "clock": [0.6, 0.2]}, before), target_speed=1.4, **weights)
    early, _ = go_forward(state(now, before), target_speed=1.4, **weights)
    np.testing.assert_allclose(early - late, [3.0, 3.0])
