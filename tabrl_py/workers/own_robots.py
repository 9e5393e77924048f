"""The evaluator's answer to a robot that somebody brought."""

from tabrl_py.rewards.trace import trace_reward
from tabrl_py.robot_messages import ProposeTask, TaskProposed
from tabrl_py.tasks.own_robot import REWARDS, Choices, made_of, propose, text_hash
from tabrl_py.tasks.recipes import task_record


def proposed(message: ProposeTask) -> TaskProposed:
    """The task of a robot, with what it was made of and its reward as a program.

    Raises:
        TabrlError: the robot cannot be driven, or a choice does not suit it.
    """
    model_hash = text_hash(message.model_xml)
    proposal = propose(message.description, Choices.from_json(message.choices), model_hash)
    own = made_of(proposal, message.description, model_hash)
    record = {**task_record(proposal.task), "own": {**own, "program": trace_reward(proposal.task)}}
    rewards = {name: REWARDS[name] for name in proposal.rewards}
    return TaskProposed(message.id, record, list(proposal.notes), rewards)
