"""Reward functions on whole batches of environments."""

from tabrl_py.rewards.library import REWARDS, RewardFunction, compute_reward
from tabrl_py.rewards.state import State

__all__ = ["REWARDS", "RewardFunction", "State", "compute_reward"]
