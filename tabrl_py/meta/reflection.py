"""The results of a generation, written down for a designer that reads."""

from collections.abc import Mapping, Sequence
from typing import Any

from tabrl_py.meta.courses import Course
from tabrl_py.meta.state import Member, State


def reflection(state: State) -> str:
    """All that happened since the last proposals: every member's outcome, not only the best one's."""
    generation = state.generation - 1
    members = state.generation_members(generation)
    parts = [f"# Results of generation {generation}", _ranking(state)]
    parts += [_outcome(member) for member in members]
    comments = _comments(state)
    if comments:
        parts.append(comments)
    if state.branch:
        branched = state.members[state.branch]
        parts.append(
            f"The person asks you to go on from {branched.label} ({branched.proposal.name}) alone: "
            "every reward of the next generation comes from it."
        )
    return "\n\n".join(parts)


def pictures(state: State) -> list[dict[str, Any]]:
    """Contact sheets of the last generation, as content blocks, each after its name."""
    blocks: list[dict[str, Any]] = []
    for member in state.generation_members(state.generation - 1):
        if member.image:
            words = f"Contact sheet of {member.label}: one evaluation episode, from left to right, in rows."
            source = {"type": "base64", "media_type": member.image_type, "data": member.image}
            blocks += [{"type": "text", "text": words}, {"type": "image", "source": source}]
    return blocks


def _ranking(state: State) -> str:
    told = [f"{member.label} {member.fitness:.4g}" for member in state.ranked]
    return "All members so far, the fittest first: " + (", ".join(told) or "none could be measured") + "."


def _outcome(member: Member) -> str:
    lines = [f"## {member.label} {member.proposal.name}"]
    if member.proposal.by_person:
        lines.append("Its reward was written by the person:")
        lines.append(f"```python\n{member.proposal.reward}\n```")
    if member.fitness is None:
        lines.append(member.error or "It was not trained.")
        return "\n".join(lines)
    spread = ", ".join(f"{value:.3g}" for value in member.per_seed)
    falls, n = sum(member.falls), len(member.falls)
    length = sum(member.lengths) / max(1, len(member.lengths))
    lines.append(f"Fitness {member.fitness:.4g} (by seed: {spread}).")
    lines.append(f"Evaluation: {falls} of {n} episodes ended early, {length:.0f} control steps on average.")
    if member.metrics:
        lines.append("Metrics, mean per control step: " + _pairs(member.metrics) + ".")
    if member.proposal.hyperparameters:
        settings = ", ".join(f"{name}={value}" for name, value in member.proposal.hyperparameters.items())
        lines.append(f"Hyperparameters that differ: {settings}.")
    if member.start:
        lines.append("It began with the weights of an earlier member.")
    if member.thumb:
        lines.append(f"The person's thumb: {'up' if member.thumb > 0 else 'down'}.")
    lines.append(f"\nOver {member.steps} steps of training, in equal stretches:\n")
    lines.append(_table(member.training))
    return "\n".join(lines)


def _pairs(numbers: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in numbers.items())


def _table(training: Mapping[str, Any]) -> str:
    """Courses as a table: terms of the reward first, then what tells how learning went."""
    rows: list[tuple[str, Course]] = [
        *((f"term {name}", course) for name, course in training.get("terms", {}).items()),
        *training.get("diagnostics", {}).items(),
    ]
    known = [(name, course) for name, course in rows if any(value is not None for value in course)]
    counts = [name for name in ("unstable_rows", "skipped_minibatches") if training.get(name)]
    lines = [f"| {name} | {_numbers(course)} |" for name, course in known]
    return "\n".join([*lines, *(f"| {name} | {training[name]} in all |" for name in counts)])


def _numbers(course: Sequence[float | None]) -> str:
    return " | ".join("-" if value is None else f"{value:.3g}" for value in course)


def _comments(state: State) -> str:
    new = [comment for comment in state.comments if comment.generation == state.generation]
    if not new:
        return ""
    about = [f"- {state.members[each.member].label + ': ' if each.member else ''}{each.text}" for each in new]
    return "# What the person says\n" + "\n".join(about)
