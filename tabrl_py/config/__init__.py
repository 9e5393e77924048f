"""Every setting of a run, what it does, and the checks on it.

Each setting carries its own words and limits as field metadata, so the page, the command line and the
checks tell the same story.
"""

from tabrl_py.config.ars import ARSConfig
from tabrl_py.config.network import NetworkConfig
from tabrl_py.config.ppo import PPOConfig
from tabrl_py.config.recipe import (
    ALGORITHM_DEFAULTS,
    ALGORITHMS,
    READABLE_VERSIONS,
    RECIPE_VERSION,
    AlgoConfig,
    AlgorithmName,
    Recipe,
    describe_settings,
)
from tabrl_py.config.reinforce import ReinforceConfig
from tabrl_py.config.sac import SACConfig

__all__ = [
    "ALGORITHMS",
    "ALGORITHM_DEFAULTS",
    "READABLE_VERSIONS",
    "RECIPE_VERSION",
    "ARSConfig",
    "AlgoConfig",
    "AlgorithmName",
    "NetworkConfig",
    "PPOConfig",
    "Recipe",
    "ReinforceConfig",
    "SACConfig",
    "describe_settings",
]
