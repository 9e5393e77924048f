"""Every task by its id."""

import difflib

from tabrl_py.errors import ConfigError
from tabrl_py.tasks.gymnasium_tasks import GYMNASIUM_TASKS
from tabrl_py.tasks.house_skills import HOUSE_TASKS
from tabrl_py.tasks.spec import TaskSpec

TASKS: dict[str, TaskSpec] = {task.id: task for task in (*HOUSE_TASKS, *GYMNASIUM_TASKS)}
"""In the order in which the page lists them."""

OWN = "own-"
"""Ids of tasks of people's own robots begin so, and names of their models; no shipped one does."""


def get_task(task_id: str) -> TaskSpec:
    """The task of that id.

    Raises:
        ConfigError: there is no such task.
    """
    task = TASKS.get(task_id)
    if task is not None:
        return task
    if str(task_id).startswith(OWN):
        raise ConfigError(
            f"task={task_id!r} is that of somebody's own robot, which is not known here; "
            "bring the robot's file first (--robot FILE on the command line)"
        )
    near = difflib.get_close_matches(str(task_id), TASKS, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise ConfigError(f"task={task_id!r} is not known; {hint}The tasks are {', '.join(TASKS)}")
