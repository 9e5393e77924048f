"""One reward that is tried: its code, what is said about it, and the settings it is learned with."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tabrl_py.config import Recipe
from tabrl_py.errors import ConfigError
from tabrl_py.rewards.problems import Problem, shown
from tabrl_py.tasks import get_task
from tabrl_py.tasks.recipes import default_recipe

Number = float | int | str
LONGEST_NAME = 60
LONGEST_RATIONALE = 2_000


@dataclass(frozen=True)
class Hyperparameter:
    """A setting of PPO that a designer may change.

    Attributes:
        low, high: inclusive limits of a number.
        whole: whether it is a whole number.
        choices: the allowed strings, of one that is no number.
        words: one sentence.
    """

    words: str
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    choices: tuple[str, ...] = ()


HYPERPARAMETERS: dict[str, Hyperparameter] = {
    "algo.learning_rate": Hyperparameter("Adam's step size.", 3e-5, 3e-3),
    "algo.entropy_coef": Hyperparameter("Bonus for staying random.", 0.0, 0.03),
    "algo.gamma": Hyperparameter("Discount per control step.", 0.9, 0.999),
    "algo.gae_lambda": Hyperparameter("Trust in real returns over the critic.", 0.8, 1.0),
    "algo.clip_range": Hyperparameter("How far an update may move probabilities.", 0.05, 0.4),
    "algo.n_epochs": Hyperparameter("Passes over each rollout.", 1, 12, whole=True),
    "algo.n_steps": Hyperparameter("Control steps per environment and rollout.", 16, 256, whole=True),
    "algo.minibatch_size": Hyperparameter("Samples per gradient step.", 128, 8192, whole=True),
    "algo.target_kl": Hyperparameter("KL divergence beyond which an update stops.", 0.005, 0.1),
    "network.init_log_std": Hyperparameter("Log of the action noise at first.", -3.0, 0.0),
    "algo.symmetry": Hyperparameter(
        "network makes left and right alike, which one-sided behaviour must not have.",
        choices=("none", "network"),
    ),
}
"""By the recipe's dotted name. What is not here stays as the task's recipe has it."""


@dataclass(frozen=True)
class Proposal:
    """A reward to be tried.

    Attributes:
        name: a few words.
        rationale: why it may work.
        reward: source of `reward(s) -> (total, terms)`; "" for the task's own reward.
        hyperparameters: changes to the task's recipe, by dotted name.
        parents: ids of the members it came from.
        by_person: whether a person wrote it.
        genome: what the built-in designer made it of, so that it can go on from it; None for others.
    """

    name: str
    rationale: str
    reward: str
    hyperparameters: dict[str, Number] = field(default_factory=dict)
    parents: tuple[str, ...] = ()
    by_person: bool = False
    genome: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**dataclasses.asdict(self), "parents": list(self.parents)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Proposal":
        """Read what to_json wrote."""
        return cls(**{**record, "parents": tuple(record["parents"])})


def check_hyperparameters(changes: Mapping[str, Any], task_id: str) -> list[Problem]:
    """What is wrong with a designer's changes: told back to it, never mended in silence."""
    problems = [
        Problem(0, 0, "hyperparameter", words)
        for name, value in changes.items()
        if (words := _problem_of(name, value))
    ]
    if problems:
        return problems
    try:
        default_recipe(get_task(task_id), "ppo", changes)
    except ConfigError as error:
        return [Problem(0, 0, "hyperparameter", str(error))]
    return []


def _problem_of(name: str, value: Any) -> str:  # noqa: ANN401 - whatever a designer answers
    known = HYPERPARAMETERS.get(name)
    if known is None:
        return f"{shown(name)} may not be changed; these may: {', '.join(HYPERPARAMETERS)}"
    if known.choices:
        if value in known.choices:
            return ""
        return f"{name}={shown(value)} is not known; choose one of {', '.join(known.choices)}"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return f"{name}={shown(value)} must be a finite number"
    if known.whole and value != int(value):
        return f"{name}={value} must be a whole number"
    if not known.low <= value <= known.high:
        return f"{name}={value} is out of its range, {known.low:g} to {known.high:g}"
    return ""


def recipe_of(proposal: Proposal, task_id: str, seed: int, steps: int) -> Recipe:
    """The run that a proposal is tried with: the task's recipe, its changes, its reward.

    Raises:
        ConfigError: the changes contradict each other.
    """
    changes = {
        name: int(value) if HYPERPARAMETERS[name].whole else value
        for name, value in proposal.hyperparameters.items()
    }
    given = {"seed": seed, "total_steps": steps, "reward": proposal.reward}
    return default_recipe(get_task(task_id), "ppo", {**changes, **given})


def describe_hyperparameters(task_id: str) -> str:
    """The settings that may be changed, as Markdown, with the task's own values."""
    recipe = default_recipe(get_task(task_id), "ppo").to_json()
    lines = []
    for name, known in HYPERPARAMETERS.items():
        section, _, setting = name.partition(".")
        limits = " | ".join(known.choices) or f"{known.low:g} to {known.high:g}{', whole' * known.whole}"
        lines.append(f"- `{name}`: {limits}; here {recipe[section][setting]}. {known.words}")
    return "\n".join(lines)
