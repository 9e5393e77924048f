"""The SAC and ARS benchmarks judge as they say."""

from typing import Any

import pytest

from benchmarks import ars, sac


def _sac_runs(*returns: float) -> list[dict[str, Any]]:
    return [{**dict.fromkeys(sac.MEASURES, x), "training_cpu_seconds": 5.0, "steps": 10} for x in returns]


@pytest.mark.parametrize(("ours", "not_worse"), [(100.0, True), (76.0, True), (74.0, False)])
def test_worse_means_below_the_other_sides_interval(ours: float, not_worse: bool) -> None:
    # 90, 100, 110: half width 4.303 * 10 / sqrt(3) = 24.8
    runs = {"tabrl": _sac_runs(ours, ours, ours), "stable-baselines3": _sac_runs(90.0, 100.0, 110.0)}
    figures = sac.summarise(runs)
    for measure in sac.MEASURES:
        assert figures[f"not_worse_{measure}"] == not_worse
        assert figures[f"tabrl_over_sb3_{measure}"] == ours / 100.0
        assert figures[f"sb3_{measure}_std"] == pytest.approx(10.0)
    assert ("| no |" in sac.tabulate(runs, figures)) != not_worse


def _curve(*means: float) -> dict[str, Any]:
    points = [
        {"steps": 400_000 * at, "episodes": 400 * at, "mean": mean} for at, mean in enumerate(means, start=1)
    ]
    return {"curve": points, "training_seconds": 1.0}


def test_ars_is_judged_within_a_million_steps_and_at_the_threshold() -> None:
    # 400 000 and 800 000 steps are within the million
    runs = [_curve(100.0, 300.0, 3500.0), _curve(500.0, 200.0, 3000.0, 3430.0)]
    figures = ars.summarise(runs)
    assert figures["return_1m"] == 400.0
    assert figures["return_1m_over_paper"] == pytest.approx(400.0 / 2345.0)
    assert (figures["seeds_at_3430"], figures["episodes_to_3430"]) == (2, 1400.0)
    assert figures["last_return"] == 3465.0
    assert "| 1400 (2 of 2 seeds) |" in ars.tabulate(runs, figures)


def test_a_seed_that_never_gets_there_has_no_number_of_episodes() -> None:
    runs = [_curve(3500.0), _curve(100.0)]
    figures = ars.summarise(runs)
    assert figures["episodes_to_3430"] is None
    assert "not by every seed (1 of 2 seeds)" in ars.tabulate(runs, figures)
