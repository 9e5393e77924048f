"""What Python knows, written for those who cannot ask it: data for the page, tables for readers.

`python -m tabrl_py.export --out DIR` writes DIR/tasks.json, settings.json, rewards.json and fitness.json;
`python -m tabrl_py.export --docs DIR` writes DIR/observations.md. The bytes depend on this package alone.
"""

import argparse
import inspect
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tabrl_py.config import describe_settings
from tabrl_py.rewards import REWARDS
from tabrl_py.rewards.check import check_source
from tabrl_py.rewards.fitness import FITNESS
from tabrl_py.rewards.language import rewards_markdown
from tabrl_py.rewards.trace import trace_reward
from tabrl_py.tasks import TASKS, TaskSpec
from tabrl_py.tasks.house import ACTUATED_JOINTS, COMPONENTS, STAND
from tabrl_py.tasks.house_skills import HOUSE_TASKS
from tabrl_py.tasks.recipes import task_record
from tabrl_py.tasks.spec import Bound, ObsField, Randomization, ResetSpec, RewardSpec

AXES = ("x", "y", "z")


def tasks_json() -> str:
    """The text of tasks.json: every task's whole record, the algorithms' defaults among its own."""
    return _json({"tasks": [task_record(task) for task in TASKS.values()]})


def settings_json() -> str:
    """The text of settings.json: every setting with its words, default and limits."""
    return _json(describe_settings())


def rewards_json() -> str:
    """The text of rewards.json: every task's reward as a program, null where it cannot be one."""
    programs = {task.id: trace_reward(task) for task in TASKS.values()}
    return json.dumps(programs, separators=(",", ":"), allow_nan=False) + "\n"


def fitness_json() -> str:
    """The text of fitness.json: every shipped fitness, and the tasks whose robot it can judge."""
    records: dict[str, dict[str, Any]] = {}
    for name, fitness in FITNESS.items():
        fresh = {"id": name, "title": fitness.title, "words": fitness.words, "source": fitness.source}
        record = records.setdefault(fitness.source, {**fresh, "own": [], "tasks": []})
        record["own"] += [name] if name in TASKS else []
        judged = [task.id for task in TASKS.values() if _judges(name, fitness.source, task)]
        record["tasks"] += [task for task in judged if task not in record["tasks"]]
    return _json({"fitness": list(records.values())})


def _judges(name: str, source: str, task: TaskSpec) -> bool:
    """Whether a fitness is a task's own, or can judge what the same house robot does in it."""
    if name == task.id:
        return True
    of_the_house = task in HOUSE_TASKS and (name not in TASKS or TASKS[name] in HOUSE_TASKS)
    return of_the_house and not check_source(source, task, "fitness")


def observations_markdown() -> str:
    """The text of docs/observations.md: the house robot number by number, then every task."""
    return "\n".join([*_head(), *_house_table(), *_actions_table(), *_task_sections()]) + "\n"


def _json(record: dict[str, Any]) -> str:
    return json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _head() -> Iterator[str]:
    yield "# Observations and tasks"
    yield ""
    yield "Written by `python -m tabrl_py.export --docs docs` from `tabrl_py/tasks`; change it there."
    yield ""
    yield "An observation number is `clip(scale * fn(x))` of a number `x` that MuJoCo computes; sources are"
    yield "the arrays of its `mjData`. The policy then normalises each number by its running mean and spread."
    yield ""


def _house_table() -> Iterator[str]:
    task = STAND
    yield f"## The house robot: {task.obs_size} numbers"
    yield ""
    yield f"The tasks of the group {task.group} see these numbers, where nothing else is said."
    yield f"Layout version {task.layout_version}."
    yield ""
    yield "| index | what | of | unit | read from | shaped |"
    yield "|---:|---|---|---|---|---|"
    index = 0
    for field in task.observation:
        for part, name in enumerate(_components(field)):
            source = f"`{field.source}[{field.start + part}]`"
            yield f"| {index} | {field.name} | {name} | {field.unit} | {source} | {_shaping(field)} |"
            index += 1
    yield ""


def _actions_table() -> Iterator[str]:
    task = STAND
    yield f"### Its {task.action_size} actions"
    yield ""
    yield "Each lies between -1 and 1. In the tasks whose id ends in `-torque` it is the share of the joint's"
    yield "largest torque; in the others it moves the angle that a spring and a damper in the joint aim at."
    yield ""
    yield "| index | joint |"
    yield "|---:|---|"
    for index, joint in enumerate(ACTUATED_JOINTS):
        yield f"| {index} | {joint} |"
    yield ""


def _task_sections() -> Iterator[str]:
    yield "## Tasks"
    yield ""
    for task in TASKS.values():
        yield from _task_section(task)


def _task_section(task: TaskSpec) -> Iterator[str]:
    yield f"### {task.id}"
    yield ""
    yield task.summary
    yield ""
    yield f"- Model `{task.model}`, {task.frame_skip} physics steps per control step."
    actions = "1 action" if task.action_size == 1 else f"{task.action_size} actions"
    yield f"- {actions} in {_range(task)}, {task.obs_size} observation numbers."
    yield f"- Starts {_first_state(task.reset)}."
    yield f"- {_ending(task.healthy)}; cut off after {task.time_limit} control steps."
    yield f"- Reward `{task.reward.name}`: {_reward(task.reward)}"
    yield from _beside(task)
    yield ""
    if task in HOUSE_TASKS and task.observation == STAND.observation:
        yield "The observation and the actions are those of the house robot, above."
        yield ""
    else:
        yield from _field_table(task)


def _beside(task: TaskSpec) -> Iterator[str]:
    """What few tasks have: a command, randomization, a curriculum, success."""
    if task.command is not None:
        told = zip(task.command.names, task.command.low, task.command.high, task.command.units, strict=True)
        listed = ", ".join(f"{name} {low:g} to {high:g} {unit}" for name, low, high, unit in told)
        yield f"- Command: {listed}; another every {task.command.hold_steps} control steps."
    for always, when in ((True, "In every episode"), (False, "In training that randomises")):
        entries = [entry for entry in task.randomization if entry.always == always]
        if entries:
            yield f"- {when}: {', '.join(_drawn(entry) for entry in entries)}."
    if task.curriculum is not None:
        yield f"- Curriculum: widens {' and '.join(task.curriculum.scales)} as it succeeds{_from(task)}."
    if task.success is not None:
        yield f"- Success: {task.success.words} (`{task.success.signal}` above {task.success.above:g})."


def _from(task: TaskSpec) -> str:
    """What a curriculum of commands begins with, in words."""
    if task.command is None or not task.command.easiest:
        return ""
    told = zip(task.command.names, task.command.easiest, task.command.units, strict=True)
    return f", from {', '.join(f'{name} {x:g} {unit}' for name, x, unit in told)} on"


def _drawn(entry: Randomization) -> str:
    often = f" every {entry.every_steps} steps" if entry.every_steps else ""
    return f"{entry.name} {entry.low:g} to {entry.high:g}{often}"


def _field_table(task: TaskSpec) -> Iterator[str]:
    yield "| index | what | unit | read from | shaped |"
    yield "|---|---|---|---|---|"
    index = 0
    for field in task.observation:
        source = f"`{field.source}[{_span(field.start, field.stop)}]`"
        place = _inclusive(index, index + field.size)
        yield f"| {place} | {field.name} | {field.unit} | {source} | {_shaping(field)} |"
        index += field.size
    yield ""


def _components(field: ObsField) -> Sequence[str]:
    """A name for each number of a field of the house robot."""
    named = COMPONENTS.get(field.name)
    if named is not None:
        return named
    return ("",) if field.size == 1 else AXES[: field.size]


def _shaping(field: ObsField) -> str:
    parts: list[str] = []
    if field.fn == "own":
        parts.append("in its own heading")
    elif field.fn != "id":
        parts.append(field.fn)
    if field.scale != 1.0:
        parts.append(f"x {field.scale:g}")
    if field.clip is not None:
        parts.append(f"within {-field.clip:g} and {field.clip:g}")
    return ", ".join(parts)


def _span(start: int, stop: int) -> str:
    return f"{start}" if stop == start + 1 else f"{start}:{stop}"


def _inclusive(start: int, stop: int) -> str:
    return f"{start}" if stop == start + 1 else f"{start}-{stop - 1}"


def _range(task: TaskSpec) -> str:
    bounds = sorted(set(zip(task.action_low, task.action_high, strict=True)))
    return ", ".join(f"[{low:g}, {high:g}]" for low, high in bounds)


def _first_state(reset: ResetSpec) -> str:
    start = "in the model's first position" if reset.qpos is None else "in the standing pose"
    if reset.drop_height is not None:
        start = (
            f"lying, dropped from {reset.drop_height:g} m and settled for {reset.settle_steps} physics steps"
        )
    where = "every position" if reset.root_noise else "every joint angle"
    law = "normal noise of spread" if reset.qvel_kind == "normal" else "uniform noise up to"
    return (
        f"{start}, with uniform noise up to {reset.qpos_noise:g} on {where}, "
        f"at rest but for {law} {reset.qvel_noise:g} on every velocity"
    )


def _ending(bounds: Sequence[Bound]) -> str:
    if not bounds:
        return "Never ends by itself"
    return "Ends when " + " or ".join(f"`{b.source}[{_span(b.start, b.stop)}]` {_outside(b)}" for b in bounds)


def _outside(bound: Bound) -> str:
    if bound.high is None:
        return f"sinks to {bound.low:.6g}"
    if bound.low is None:
        return f"rises to {bound.high:.6g}"
    return f"leaves {bound.low:.6g} to {bound.high:.6g}"


def _reward(spec: RewardSpec) -> str:
    """What a reward function says of itself, and every parameter the task runs it with."""
    function = REWARDS[spec.name]
    words = (inspect.getdoc(function) or "").splitlines()[0]
    settings = {
        name: spec.params.get(name, parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "s"
    }
    listed = ", ".join(f"{name} {value:.6g}" for name, value in settings.items() if np.isfinite(value))
    return f"{words} With {listed}." if listed else words


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tabrl_py.export", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="folder for tasks.json, settings.json, ...")
    parser.add_argument("--docs", type=Path, help="folder for observations.md and rewards.md")
    chosen = parser.parse_args()
    if chosen.out is None and chosen.docs is None:
        parser.error("say where to write: --out DIR, --docs DIR or both")
    if chosen.out is not None:
        _write(chosen.out / "tasks.json", tasks_json())
        _write(chosen.out / "settings.json", settings_json())
        _write(chosen.out / "rewards.json", rewards_json())
        _write(chosen.out / "fitness.json", fitness_json())
    if chosen.docs is not None:
        _write(chosen.docs / "observations.md", observations_markdown())
        _write(chosen.docs / "rewards.md", rewards_markdown())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
