"""What `./build.sh bench rollout` runs in Pyodide: a real run, of which the collecting is timed."""

import time
from typing import Any

from tabrl_py.algos.training import Training
from tabrl_py.config import Recipe
from tabrl_py.sim.wasm import WasmBatchSim
from tabrl_py.tasks import get_task


class Rollouts:
    """A run whose rollouts are taken piece by piece."""

    def __init__(self, recipe: Any, xml: str, engine: Any) -> None:  # noqa: ANN401 - JavaScript objects
        """Begin; one rollout and one update warm everything up."""
        chosen = Recipe.from_json(recipe.to_py())
        task = get_task(chosen.task)
        self.training = Training(chosen, task, WasmBatchSim(task, xml, chosen.n_envs, engine))

    def advance(self, steps: int) -> float:
        """Seconds that so many vector steps take, or a few more: policy, physics, reward, bookkeeping.

        A rollout that is full ends it.
        """
        rollout = self.training.rollout
        until = min(rollout.steps + steps, rollout.n_steps)
        began = time.perf_counter()
        while rollout.steps < until:
            self.training.advance()
        return time.perf_counter() - began

    def learn(self) -> float:
        """Learn from a full rollout; the seconds of preparing the next one, mostly random draws."""
        training, seconds = self.training, 0.0
        algorithm, begin = training.algorithm, training.algorithm.begin_rollout

        def timed(*given: Any) -> None:  # noqa: ANN401 - passed on
            nonlocal seconds
            began = time.perf_counter()
            begin(*given)
            seconds = time.perf_counter() - began

        algorithm.begin_rollout = timed  # type: ignore[assignment, method-assign] # measured, then taken away
        while training.rollout.full:
            training.advance()
        del algorithm.begin_rollout
        return seconds
