"""The learning benchmark judges as it says."""

from typing import Any

import pytest

from benchmarks._runs import interval
from benchmarks.learning import MEASURES, SIDES, TASKS, _compare


def test_the_interval_is_students() -> None:
    # Mean 2, deviation 1 over n = 3: t = 4.303, half width 4.303 / sqrt(3)
    assert interval([1.0, 2.0, 3.0]) == pytest.approx((2.0, 2.4843), abs=1e-4)


@pytest.mark.parametrize(("ours", "not_worse"), [(100.0, True), (76.0, True), (74.0, False)])
def test_worse_means_below_the_other_sides_interval(ours: float, not_worse: bool) -> None:
    def runs(*means: float) -> list[dict[str, Any]]:
        return [{**dict.fromkeys(MEASURES, m), "training_seconds": 1.0, "steps": 10} for m in means]

    # 90, 100, 110: half width 4.303 * 10 / sqrt(3) = 24.8
    given = {"tabrl": runs(ours, ours, ours), "stable-baselines3": runs(90.0, 100.0, 110.0)}
    table, comparisons = _compare({(side, task): given[side] for side in SIDES for task in TASKS})
    assert [c["not_worse"] for c in comparisons] == [not_worse] * 4
    assert ("| no |" in table) != not_worse
