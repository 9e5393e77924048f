"""Messages about code that nobody trusts: reward and fitness code, tried and measured with by the evaluator.

As in protocol.py, whose unions have them.
"""

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class CodeProblem:
    """One thing that is wrong with reward or fitness code."""

    line: int
    """From 1; 0 where it is about the whole."""
    column: int
    """From 0."""
    rule: str
    message: str


@dataclass(frozen=True)
class MeasureFitness:
    """Measure a policy's fitness: episode k starts from evaluation seed seeds[k]. No reward is involved."""

    id: int
    policy: bytes
    task: dict[str, Any]
    model_xml: str
    fitness: str
    """A name of the shipped fitnesses, code with `def fitness(s):`, or "" for the task's own."""
    seeds: list[int]


@dataclass(frozen=True)
class TryCode:
    """Check reward or fitness code, and try it on states of the robot where the check finds nothing."""

    id: int
    task: dict[str, Any]
    model_xml: str
    """"" where a check of the text is enough."""
    source: str
    function: Literal["reward", "fitness"] = "reward"


@dataclass(frozen=True)
class Fitness:
    """Answer to MeasureFitness."""

    id: int
    fitness: float
    """Mean of per_seed."""
    per_seed: list[float]
    """Sum of an episode's scores over the task's time limit."""
    metrics: dict[str, float]
    """Mean per control step, over all episodes."""
    lengths: list[int]
    falls: list[bool]


@dataclass(frozen=True)
class CodeTried:
    """Answer to TryCode."""

    id: int
    problems: list[CodeProblem]
    """Empty where the code can be used."""
    ms_per_4096: float
    """Time of one call with 4096 environments; 0 where it was not called."""
    total: list[float]
    """Mean, lowest and highest over the recorded steps; empty where it was not called."""
    terms: dict[str, list[float]]
    """The same of each term."""


@dataclass(frozen=True)
class CodeRuns:
    """The worker is about to run code that the page does not trust, or has come back from it.

    The page ends a worker that does not come back.
    """

    running: bool
    function: str
    """reward or fitness."""
