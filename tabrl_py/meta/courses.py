"""How a training went, in few numbers: every figure over about ten equal stretches."""

from collections.abc import Mapping, Sequence
from typing import Any

STRETCHES = 10
FIGURES = (
    "return_mean",
    "length_mean",
    "fall_rate",
    "entropy",
    "action_std",
    "kl",
    "clip_fraction",
    "explained_variance",
    "value_loss",
    "learning_rate",
)
"""Of a Progress record, that tell how learning goes."""
DIGITS = 5

Course = list[float | None]


def summarize(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Courses of a training's reward terms and diagnostics.

    Args:
        records: Progress records as JSON, oldest first; a number that is not finite is None there.

    Returns:
        terms: each term's mean per control step, by name; diagnostics: the FIGURES; unstable_rows and
        skipped_minibatches: in all. Only figures that are the same in every repetition, no times.
    """
    names = dict.fromkeys(name for record in records for name in record.get("reward_terms", {}))
    last: Mapping[str, Any] = records[-1] if records else {}
    return {
        "terms": {name: course([record["reward_terms"].get(name) for record in records]) for name in names},
        "diagnostics": {name: course([record.get(name) for record in records]) for name in FIGURES},
        "unstable_rows": int(last.get("unstable_rows", 0)),
        "skipped_minibatches": int(last.get("skipped_minibatches", 0)),
    }


def course(values: Sequence[float | None]) -> Course:
    """Means over about STRETCHES equal stretches; None where nothing was measured."""
    n = min(STRETCHES, len(values))
    means: Course = []
    for k in range(n):
        stretch = values[k * len(values) // n : (k + 1) * len(values) // n]
        known = [value for value in stretch if value is not None]
        means.append(_rounded(sum(known) / len(known)) if known else None)
    return means


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
