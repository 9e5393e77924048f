"""What the built-in designer varies: the terms of a reward, how they weigh, how it is learned.

A genome is plain JSON: {"goal": weight of the fitness itself, "terms": {name: {"weight", "arguments"}},
"settings": hyperparameters}. It is written as reward code of the same language as everybody's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tabrl_py.meta.proposal import HYPERPARAMETERS, Number
from tabrl_py.rewards.fields import Layout
from tabrl_py.rewards.terms import terms_of
from tabrl_py.tasks.spec import TaskSpec

Genome = dict[str, Any]
MOST_TERMS = 10


@dataclass(frozen=True)
class Gene:
    """How a term may stand in a reward.

    Attributes:
        low, high: of the size of its weight, drawn evenly on a logarithmic scale.
        signs: of the weight, one of which is drawn.
        arguments: limits of the arguments that it is called with, by name.
        chance: of being drawn, beside the others.
    """

    low: float
    high: float
    signs: tuple[int, ...] = (1,)
    arguments: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    chance: float = 1.0


_BOTH = (1, -1)
GENES: dict[str, Gene] = {
    "alive": Gene(0.3, 3.0, chance=4.0),
    "effort": Gene(0.02, 0.5, (-1,), chance=2.0),
    "change": Gene(0.02, 0.3, (-1,), chance=2.0),
    "joint_speed": Gene(0.001, 0.03, (-1,)),
    "tilt": Gene(0.5, 8.0, (-1,), chance=2.0),
    "spin": Gene(0.01, 0.2, (-1,)),
    "head": Gene(0.3, 3.0),
    "speed_along_x": Gene(0.5, 5.0, arguments={"target": (0.5, 3.5)}, chance=1.5),
    "motion": Gene(0.2, 2.0, (-1,), chance=0.5),
    "drift": Gene(0.1, 2.0, (-1,)),
    "facing": Gene(0.1, 1.0),
    "in_time": Gene(0.3, 3.0, arguments={"period_s": (0.4, 0.9)}),
    "flight": Gene(0.2, 2.0, _BOTH),
    "one_foot": Gene(0.2, 2.0, _BOTH),
    "lifted": Gene(0.3, 3.0, arguments={"side": (-1.0, 1.0)}, chance=0.5),
    "rising": Gene(0.2, 1.0, _BOTH, chance=0.3),
    "touchdown": Gene(0.1, 1.0, _BOTH, chance=0.5),
}
"""Terms that are a reward by themselves. Robots without the signals that one reads do not have it."""
SETTINGS: dict[str, tuple[float, float]] = {
    "algo.learning_rate": (2e-4, 1.2e-3),
    "algo.entropy_coef": (0.0005, 0.008),
    "algo.gamma": (0.98, 0.996),
    "network.init_log_std": (-2.0, -0.7),
}
"""Hyperparameters it varies, and between which values."""
GOAL = (2.0, 8.0)


def random_genome(task: TaskSpec, rng: np.random.Generator) -> Genome:
    """A first shot: the goal, and two to five terms drawn from the library."""
    terms: dict[str, Any] = {}
    for _ in range(int(rng.integers(2, 6))):
        _add_term(terms, task, rng)
    return {"goal": _log_uniform(rng, *GOAL), "terms": terms, "settings": _random_settings(rng)}


def mutated(genome: Genome, task: TaskSpec, rng: np.random.Generator) -> Genome:
    """A child: weights and arguments moved, now and then a term more, less or exchanged."""
    terms = {name: _moved(name, term, rng) for name, term in genome["terms"].items()}
    if terms and rng.random() < 0.3:
        terms.pop(sorted(terms)[int(rng.integers(len(terms)))])
    if len(terms) < MOST_TERMS and rng.random() < 0.5:
        _add_term(terms, task, rng)
    goal = float(np.clip(genome["goal"] * np.exp(rng.normal(0.0, 0.3)), GOAL[0] / 2, GOAL[1] * 2))
    settings = dict(genome["settings"])
    for name in SETTINGS:
        if rng.random() < 0.4:
            settings[name] = _moved_setting(name, settings.get(name), rng)
    return _tidy({"goal": goal, "terms": terms, "settings": settings})


def crossed(one: Genome, other: Genome, rng: np.random.Generator) -> Genome:
    """A child of two: each term and setting from either."""
    terms: dict[str, Any] = {}
    for name in sorted({**one["terms"], **other["terms"]}):
        chosen = (one if rng.random() < 0.5 else other)["terms"].get(name)
        if chosen is not None and len(terms) < MOST_TERMS:
            terms[name] = chosen
    settings = {
        name: value
        for name in sorted({**one["settings"], **other["settings"]})
        if (value := (one if rng.random() < 0.5 else other)["settings"].get(name)) is not None
    }
    goal = one["goal"] if rng.random() < 0.5 else other["goal"]
    return _tidy({"goal": goal, "terms": terms, "settings": settings})


def reward_code(genome: Genome, fitness: str) -> str:
    """The genome as reward code.

    Args:
        genome: what it is made of.
        fitness: code of the fitness, which becomes the goal.
    """
    lines = [fitness.replace("def fitness(", "def goal(", 1).rstrip(), "", ""]
    lines += ["def reward(s):", "    score, measured = goal(s)", "    terms = {"]
    lines.append(f'        "goal": {genome["goal"]:.4g} * score,')
    for name, term in sorted(genome["terms"].items()):
        given = ", ".join(["s", *(f"{key}={value:.4g}" for key, value in term["arguments"].items())])
        lines.append(f'        "{name}": {term["weight"]:.4g} * {name}({given}),')
    lines += ["    }", "    return sum(terms.values()), terms", ""]
    return "\n".join(lines)


def settings_of(genome: Genome) -> dict[str, Number]:
    """Its hyperparameters, within the limits that every designer has."""
    return {
        name: float(f"{min(max(value, HYPERPARAMETERS[name].low), HYPERPARAMETERS[name].high):.4g}")
        if isinstance(value, float)
        else value
        for name, value in genome["settings"].items()
    }


def _available(task: TaskSpec) -> list[str]:
    known = terms_of(Layout.of(task))
    return [name for name in GENES if name in known]


def _add_term(terms: dict[str, Any], task: TaskSpec, rng: np.random.Generator) -> None:
    names = [name for name in _available(task) if name not in terms]
    if not names:
        return
    chances = np.array([GENES[name].chance for name in names])
    name = names[int(rng.choice(len(names), p=chances / chances.sum()))]
    gene = GENES[name]
    sign = gene.signs[int(rng.integers(len(gene.signs)))]
    arguments = {key: float(rng.uniform(*limits)) for key, limits in gene.arguments.items()}
    if name == "lifted":
        arguments["side"] = 1.0 if arguments["side"] > 0 else -1.0
    terms[name] = {"weight": sign * _log_uniform(rng, gene.low, gene.high), "arguments": arguments}


def _moved(name: str, term: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    gene = GENES[name]
    size = abs(term["weight"]) * float(np.exp(rng.normal(0.0, 0.4)))
    size = min(max(size, gene.low / 2), gene.high * 2)
    arguments = {
        key: float(np.clip(value + rng.normal(0.0, 0.1) * (limits[1] - limits[0]), *limits))
        for key, value in term["arguments"].items()
        for limits in [gene.arguments[key]]
    }
    if name == "lifted":
        arguments["side"] = term["arguments"]["side"]
    return {"weight": float(np.copysign(size, term["weight"])), "arguments": arguments}


def _random_settings(rng: np.random.Generator) -> dict[str, Number]:
    return {name: _moved_setting(name, None, rng) for name in SETTINGS if rng.random() < 0.4}


def _moved_setting(name: str, value: Number | None, rng: np.random.Generator) -> float:
    low, high = SETTINGS[name]
    if not isinstance(value, float) or rng.random() < 0.3:
        return float(rng.uniform(low, high)) if low < 0 or low > 0.9 else _log_uniform(rng, low, high)
    return float(np.clip(value + rng.normal(0.0, 0.2) * (high - low), low, high))


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _tidy(genome: Genome) -> Genome:
    """Four digits are enough, and what the code says is then what the genome says."""
    terms = {
        name: {
            "weight": float(f"{term['weight']:.4g}"),
            "arguments": {key: float(f"{value:.4g}") for key, value in term["arguments"].items()},
        }
        for name, term in genome["terms"].items()
    }
    settings = {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in genome["settings"].items()}
    return {"goal": float(f"{genome['goal']:.4g}"), "terms": terms, "settings": settings}
