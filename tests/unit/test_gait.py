"""Who walks and who does not: contact sequences made up for the purpose."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tabrl_py.algos.gait import Track, footfalls, judge_walk
from tabrl_py.types import F64, Bool

DT = 0.025
T = 800


def feet(down: Callable[[float], bool], phase: float, period_s: float = 0.8) -> Bool:
    """(T,) whether a foot is down, by the phase of its cycle from 0 to 1."""
    return np.array([down((k * DT / period_s + phase) % 1.0) for k in range(T)])


def walker(**changes: Any) -> Track:
    """Strides of 0.8 s, each foot down for 60 % of them, half a stride apart; 1.1 m/s, leaning 6 degrees."""
    left, right = (feet(lambda p: p < 0.6, phase) for phase in (0.0, 0.5))
    t: F64 = np.arange(1, T + 1, dtype=np.float64) * DT
    track = Track(
        dt_s=DT,
        forward_m=1.1 * t,
        tilt_rad=0.1 * np.abs(np.sin(t)),
        left_down=left,
        right_down=right,
        lead_m=0.3 * np.cos(2 * np.pi * t / 0.8),
        fallen=False,
    )
    return dataclasses.replace(track, **changes)


def test_a_walk_is_one() -> None:
    verdict = judge_walk(walker())
    assert verdict.walks, verdict.failures
    assert verdict.seconds == pytest.approx(20.0)
    assert verdict.metres == pytest.approx(22.0)
    assert verdict.tilt_deg == pytest.approx(np.degrees(0.1), abs=0.1)
    # 25 strides of two steps; the first foot stands from the beginning
    assert verdict.footfalls == 49
    assert verdict.alternating == 1.0
    assert verdict.leading == 1.0


def test_a_run_is_one_too() -> None:
    left, right = (feet(lambda p: p < 0.35, phase) for phase in (0.0, 0.5))
    assert judge_walk(walker(left_down=left, right_down=right)).walks


def test_what_comes_after_twenty_seconds_does_not_count() -> None:
    track = walker()
    longer = walker(
        left_down=np.tile(track.left_down, 2),
        right_down=np.tile(track.right_down, 2),
        lead_m=np.tile(track.lead_m, 2),
        tilt_rad=np.concatenate([track.tilt_rad, np.full(T, 1.0)]),
        forward_m=np.concatenate([track.forward_m, np.zeros(T)]),
    )
    assert judge_walk(longer) == judge_walk(track)


def cut(track: Track, steps: int) -> Track:
    arrays = {f.name: getattr(track, f.name) for f in dataclasses.fields(track)}
    kept: dict[str, Any] = {name: x[:steps] for name, x in arrays.items() if isinstance(x, np.ndarray)}
    return dataclasses.replace(track, **kept)


HOP = feet(lambda p: p < 0.6, 0.0)
STUMBLES = feet(lambda p: p < 0.6, 0.5)
STUMBLES[300:500] = True


@pytest.mark.parametrize(
    ("track", "words"),
    [
        (walker(fallen=True), "fell after 20.0 s"),
        (cut(walker(), 400), "fell after 10.0 s"),
        (walker(forward_m=np.linspace(0.0, 19.9, T)), "came 19.9 m, not 20"),
        (walker(forward_m=-1.1 * np.arange(T) * DT), "came -22.0 m"),
        (walker(tilt_rad=np.where(np.arange(T) == 321, 0.45, 0.0)), "leant by 26 degrees"),
        (walker(left_down=np.ones(T, np.bool_), right_down=np.ones(T, np.bool_)), "made 0 footfalls"),
        (walker(left_down=HOP, right_down=HOP), "only 49 % of the footfalls"),
        (walker(left_down=HOP, right_down=np.roll(HOP, 1)), "of the footfalls were of the other foot"),
        (walker(left_down=HOP, right_down=np.zeros(T, np.bool_)), "only 0 % of the footfalls"),
        (walker(right_down=STUMBLES), "only 86 % of the footfalls"),
    ],
    ids=[
        "falls",
        "short",
        "slow",
        "back",
        "leans",
        "slides",
        "hops",
        "hops askew",
        "one leg",
        "drags a foot",
    ],
)
def test_what_is_no_walk_is_told(track: Track, words: str) -> None:
    verdict = judge_walk(track)
    assert not verdict.walks
    assert any(words in failure for failure in verdict.failures), verdict


def test_feet_that_do_not_pass_each_other_are_seen() -> None:
    assert judge_walk(walker(lead_m=np.full(T, 0.2))).leading == pytest.approx(0.5, abs=0.02)


def test_a_bounce_is_no_step() -> None:
    down = np.ones(40, np.bool_)
    down[10] = False  # 25 ms in the air
    down[20:24] = False  # 100 ms
    assert footfalls(down, np.ones(40, np.bool_), DT) == [(24, "left")]


def test_footfalls_come_in_order() -> None:
    left, right = np.zeros(20, np.bool_), np.zeros(20, np.bool_)
    left[5:8] = left[15:] = right[10:12] = True
    assert footfalls(left, right, DT) == [(5, "left"), (10, "right"), (15, "left")]
    assert footfalls(right, left, DT) == [(5, "right"), (10, "left"), (15, "right")]


def test_nothing_is_no_walk() -> None:
    verdict = judge_walk(cut(walker(), 0))
    assert "fell after 0.0 s" in verdict.failures
