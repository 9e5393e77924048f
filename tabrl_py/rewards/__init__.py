"""Reward functions on whole batches of environments."""

from tabrl_py.rewards.library import REWARDS, NamedReward, compute_reward
from tabrl_py.rewards.state import State

__all__ = ["REWARDS", "NamedReward", "State", "compute_reward"]
