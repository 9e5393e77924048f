"""Learning is real: short runs that end far above random actions."""

from typing import Any

import pytest

from tabrl_py.algos.evaluate import Evaluator
from tabrl_py.algos.training import Training
from tabrl_py.policy import Policy
from tabrl_py.protocol import Evaluation
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task
from tabrl_py.tasks.recipes import default_recipe

TASK = get_task("InvertedPendulum-v5")


def _train(algorithm: str, changes: dict[str, Any]) -> Policy:
    recipe = default_recipe(TASK, algorithm, changes)
    training = Training(recipe, TASK, NativeBatchSim(TASK, recipe.n_envs))
    while not training.finished:
        training.advance()
    return training.policy()


def _evaluate(policy: Policy | None) -> Evaluation:
    evaluator = Evaluator(policy, TASK, NativeBatchSim(TASK, 10), range(10))
    while (evaluation := evaluator.advance()) is None:
        pass
    return evaluation


@pytest.mark.parametrize("seed", [1, 2])
def test_ppo_balances_the_pendulum(seed: int) -> None:
    evaluation = _evaluate(_train("ppo", {"seed": seed, "total_steps": 150_000}))
    assert evaluation.return_mean >= 950.0


def test_reinforce_clearly_beats_random_actions() -> None:
    random = _evaluate(None)
    learned = _evaluate(_train("reinforce", {"seed": 1, "total_steps": 150_000}))
    assert random.return_mean < 50.0
    assert learned.return_mean > 5.0 * random.return_mean
