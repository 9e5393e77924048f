"""The loop on this machine without a page: the same Loop, with native training and measuring."""

import asyncio
import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tabrl_py.algos.training import Training
from tabrl_py.config import Recipe
from tabrl_py.errors import TabrlError
from tabrl_py.meta.designer import Designer
from tabrl_py.meta.loop import Loop
from tabrl_py.meta.plan import Command
from tabrl_py.policy import load_policy, save_policy
from tabrl_py.rewards.measure import measure_fitness
from tabrl_py.rewards.trial import Recording, record, try_source
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task, with_signals
from tabrl_py.tasks.recipes import recipe_task

TRIED_ENVS = 32
MOST_ROWS = 32


class Workshop:
    """Carries out a loop's commands.

    Attributes:
        policies: policy files by their sha256.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` keeps the policies over a restart; None keeps them in memory."""
        self.policies: dict[str, bytes] = {}
        self._folder = folder
        self._recordings: dict[str, Recording] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for path in folder.glob("*.safetensors"):
                self.policies[path.stem] = path.read_bytes()

    def do(self, command: Command) -> dict[str, Any]:
        """The result of a check, train or evaluate command, as loop_messages.CommandDone describes it.

        Raises:
            TabrlError: it cannot be carried out.
        """
        if command.kind == "check":
            return self._check(command.spec)
        return self._train(command.spec) if command.kind == "train" else self._evaluate(command.spec)

    def _check(self, spec: dict[str, Any]) -> dict[str, Any]:
        task = get_task(spec["task"])
        if task.id not in self._recordings:
            sim = NativeBatchSim(with_signals(task), TRIED_ENVS)
            self._recordings[task.id] = record(task, sim)
            sim.close()
        trial = try_source(spec["source"], task, self._recordings[task.id], spec["function"])
        return {"problems": [dataclasses.asdict(problem) for problem in trial.problems]}

    def _train(self, spec: dict[str, Any]) -> dict[str, Any]:
        recipe = Recipe.from_json(spec["recipe"])
        task = recipe_task(recipe)
        sim = NativeBatchSim(task, recipe.n_envs)
        training = Training(recipe, task, sim)
        if spec["policy"] is not None:
            training.start_from(load_policy(self.policies[spec["policy"]]))
        records = []
        while not training.finished:
            progress = training.advance()
            if progress is not None:
                records.append(json.loads(json.dumps(dataclasses.asdict(progress))))
        data = save_policy(training.policy(learning=spec["learning"]))
        sim.close()
        name = hashlib.sha256(data).hexdigest()
        self.policies[name] = data
        if self._folder is not None:
            (self._folder / f"{name}.safetensors").write_bytes(data)
        return {"policy": name, "steps": training.steps, "records": records}

    def _evaluate(self, spec: dict[str, Any]) -> dict[str, Any]:
        task = get_task(spec["task"])
        sim = NativeBatchSim(with_signals(task), min(len(spec["seeds"]), MOST_ROWS))
        policy = load_policy(self.policies[spec["policy"]])
        report = measure_fitness(policy, task, spec["fitness"], sim, spec["seeds"])
        sim.close()
        return dataclasses.asdict(report)


def step(loop: Loop, designer: Designer, workshop: Workshop) -> bool:
    """Carry out the loop's first open command; False when there is none."""
    commands = loop.commands()
    if not commands:
        return False
    command = commands[0]
    if command.kind == "ask":
        assert command.question is not None
        loop.answer(command.id, asyncio.run(designer.answer(command.question, loop.state)))
        return True
    try:
        result = workshop.do(command)
    except TabrlError as error:
        loop.fail(command.id, f"{type(error).__name__}: {error}")
        return True
    loop.receive(command.id, result)
    return True


def run(
    loop: Loop,
    designer: Designer,
    workshop: Workshop,
    keep: Callable[[int, str], None] = lambda _index, _line: None,
) -> Loop:
    """Carry a loop to its end, or to where it waits for a person.

    Args:
        loop: new, or made of its ledger.
        designer: who answers.
        workshop: has the policies that the ledger names.
        keep: is given each new line of the ledger with its place.
    """
    going = True
    while going:
        going = step(loop, designer, workshop)
        for index, line in loop.take_lines():
            keep(index, line)
    return loop
