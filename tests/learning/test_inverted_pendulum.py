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


@pytest.mark.parametrize("seed", [1, 2])
def test_sac_balances_the_pendulum_in_few_steps(seed: int) -> None:
    network = {"network.hidden": [64, 64], "network.normalize_obs": True, "n_envs": 4}
    algo = {
        "n_steps": 4,
        "warmup_steps": 500,
        "minibatch_size": 64,
        "learning_rate": 1e-3,
        "gamma": 0.98,
        "tau": 0.02,
    }
    changes = {"seed": seed, "total_steps": 8_000, **network, **{f"algo.{k}": v for k, v in algo.items()}}
    assert _evaluate(_train("sac", changes)).return_mean >= 950.0


@pytest.mark.parametrize("seed", [1, 2])
def test_ars_balances_the_pendulum(seed: int) -> None:
    algo = {"n_directions": 8, "top_directions": 4, "n_steps": 50, "noise": 0.1, "step_size": 0.1}
    changes = {
        "seed": seed,
        "total_steps": 150_000,
        "n_envs": 16,
        **{f"algo.{k}": v for k, v in algo.items()},
    }
    assert _evaluate(_train("ars", changes)).return_mean >= 950.0
