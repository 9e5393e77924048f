"""Trained policies and their file."""

from tabrl_py.policy.file import Policy, check_fits, load_policy, save_policy

__all__ = ["Policy", "check_fits", "load_policy", "save_policy"]
