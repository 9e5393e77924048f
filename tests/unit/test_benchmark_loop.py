from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.loop import lower_bound, spearman
from benchmarks.runs.design import ladder
from tabrl_py.meta.genome import reward_code
from tabrl_py.rewards.check import check_source
from tabrl_py.rewards.fitness import fitness_source
from tabrl_py.tasks import get_task


def test_rank_correlation_of_a_worked_example() -> None:
    # Ranks 1 2 3 4 5 and 2 1 4 3 5: rho = 1 - 6 * (4 * 1) / (5 * 24) = 0.8.
    a, b = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([20.0, 10.0, 40.0, 30.0, 50.0])
    assert spearman(a, b) == pytest.approx(0.8)
    assert spearman(a, -a) == pytest.approx(-1.0)
    assert spearman(np.array([1.0, 1.0, 2.0]), np.array([3.0, 3.0, 9.0])) == pytest.approx(1.0)


def test_the_bound_is_fishers() -> None:
    assert lower_bound(0.0, 12) == pytest.approx(math.tanh(-1.96 * math.sqrt(1.06 / 9)))
    assert lower_bound(0.9, 12) > 0.5 > lower_bound(0.8, 12)


def test_every_rung_is_a_reward_that_can_be_trained_with() -> None:
    task = get_task("humanoid-walk")
    codes = [reward_code(genome, fitness_source("", task)) for genome in ladder()]
    assert len(set(codes)) == 12
    assert [check_source(code, task) for code in codes] == [[]] * 12
