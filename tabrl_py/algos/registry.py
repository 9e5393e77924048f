"""Which algorithm a recipe names."""

from tabrl_py.algos.algorithm import Algorithm
from tabrl_py.algos.ars import ARS
from tabrl_py.algos.ppo import PPO
from tabrl_py.algos.reinforce import Reinforce
from tabrl_py.algos.sac import SAC
from tabrl_py.algos.shards import Share
from tabrl_py.config import ARSConfig, PPOConfig, Recipe, ReinforceConfig, SACConfig
from tabrl_py.nn.actor_critic import ActorCritic
from tabrl_py.tasks.spec import TaskSpec


def make_algorithm(recipe: Recipe, task: TaskSpec, share: Share) -> Algorithm:
    """The algorithm of a run, before its first step.

    Args:
        recipe: of the run.
        task: that it is for.
        share: of the member that asks; each member makes one of its own.

    Raises:
        ConfigError: the algorithm cannot do what the recipe asks, or not with so many members.
    """
    match recipe.algo:
        case PPOConfig():
            return PPO(recipe, first_networks(recipe, task), share, task.mirror)
        case ReinforceConfig():
            return Reinforce(recipe, first_networks(recipe, task), share)
        case SACConfig():
            return SAC(recipe, task.obs_size, task.action_size, share)
        case ARSConfig():
            return ARS(recipe, task.obs_size, task.action_size, share)


def first_networks(recipe: Recipe, task: TaskSpec) -> ActorCritic:
    """The networks that a recipe begins with."""
    network = recipe.network
    nets = ActorCritic(
        task.obs_size, task.action_size, network.hidden, network.activation, layer_norm=network.layer_norm
    )
    nets.init(recipe.seed, network.init_log_std)
    return nets
