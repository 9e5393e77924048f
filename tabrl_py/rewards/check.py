"""Everything that is wrong with reward code, as a list."""

from tabrl_py.rewards.compiled import compile_source
from tabrl_py.rewards.problems import Problem, RewardError
from tabrl_py.tasks.spec import TaskSpec


def check_source(source: str, task: TaskSpec, function: str = "reward") -> list[Problem]:
    """What is wrong with code, in the order of its lines; [] where nothing is. Never raises.

    Args:
        source: any text.
        task: whose robot's signals it may read.
        function: that it must define, "reward" or "fitness".
    """
    try:
        compile_source(source, task, function)
    except RewardError as error:
        return error.problems
    return []


__all__ = ["Problem", "RewardError", "check_source"]
