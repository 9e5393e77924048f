"""The reward that a task comes with, as a genome: where the built-in designer's search may begin."""

import inspect

from tabrl_py.meta.genome import GOAL, Genome
from tabrl_py.rewards.library import go_forward
from tabrl_py.tasks.spec import TaskSpec


def shipped_genome(task: TaskSpec) -> Genome | None:
    """The task's own reward in terms of the library, the least goal beside it; None where it has none such.

    Left out is what no term says: go_forward's `upright`, which `tilt` stands beside.
    """
    if task.reward.name != go_forward.__name__:
        return None
    parameters = inspect.signature(go_forward).parameters.values()
    defaults = {each.name: float(each.default) for each in parameters if each.default is not each.empty}
    given = {**defaults, **task.reward.params}
    target = given["target_speed"]
    weights = {
        "alive": given["alive_weight"],
        "speed_along_x": given["forward_weight"] * target,
        "facing": given["heading_weight"],
        "drift": -given["sideways_weight"],
        "effort": -given["control_weight"],
        "tilt": -given["tilt_weight"],
        "change": -given["change_weight"],
        "in_time": given["gait_weight"],
        "flight": -given["flight_weight"],
    }
    arguments = {"speed_along_x": {"target": target}, "in_time": {"period_s": given["gait_period_s"]}}
    terms = {
        name: {"weight": float(f"{weight:.4g}"), "arguments": arguments.get(name, {})}
        for name, weight in weights.items()
        if weight
    }
    return {"goal": GOAL[0], "terms": terms, "settings": {}}
