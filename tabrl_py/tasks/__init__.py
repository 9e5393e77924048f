"""The tasks that TabRL ships, as data."""

from tabrl_py.tasks.registry import TASKS, get_task
from tabrl_py.tasks.reset import sample_reset
from tabrl_py.tasks.signals import described_signals, with_reward, with_signals
from tabrl_py.tasks.spec import TaskSpec

__all__ = [
    "TASKS",
    "TaskSpec",
    "described_signals",
    "get_task",
    "sample_reset",
    "with_reward",
    "with_signals",
]
