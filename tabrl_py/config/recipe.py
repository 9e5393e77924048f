"""A recipe: all that decides a run, and how its settings fit together."""

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from tabrl_py.config.ars import ARSConfig
from tabrl_py.config.network import NetworkConfig
from tabrl_py.config.ppo import PPOConfig
from tabrl_py.config.reinforce import ReinforceConfig
from tabrl_py.config.sac import SACConfig
from tabrl_py.errors import ConfigError
from tabrl_py.settings import check_settings, describe, setting

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

RECIPE_VERSION = 2
"""Raised when the same recipe would give other weights than before."""
READABLE_VERSIONS = (1, 2)
"""Recipes of these versions can be read: their settings mean the same."""

AlgoConfig: TypeAlias = PPOConfig | ReinforceConfig | SACConfig | ARSConfig
AlgorithmName: TypeAlias = Literal["ppo", "reinforce", "sac", "ars"]
ALGORITHMS: dict[str, type[AlgoConfig]] = {
    "ppo": PPOConfig,
    "reinforce": ReinforceConfig,
    "sac": SACConfig,
    "ars": ARSConfig,
}
ALGORITHM_DEFAULTS: dict[str, dict[str, Any]] = {
    "sac": {
        "n_envs": 8,
        "total_steps": 300_000,
        "network.hidden": [256, 256],
        "network.activation": "relu",
        "network.init_log_std": 0.0,
        "network.normalize_obs": False,
    },
    "ars": {"total_steps": 10_000_000, "network.hidden": []},
}
"""General settings that an algorithm begins with in place of the general defaults, by dotted name."""


@dataclass(frozen=True)
class Recipe:
    """All that decides a run: the same recipe gives the same weights, bit for bit, in every browser.

    Attributes:
        reward: source of the reward function, see docs/rewards.md; "" for the task's own.
    """

    task: str
    algorithm: str = "ppo"
    seed: int = setting(
        1,
        "Seed",
        "Decides every random draw; the same seed gives the same run.",
        low=0,
        high=2**32 - 1,
        group="task",
    )
    total_steps: int = setting(
        2_000_000,
        "Steps in all",
        "Control steps, over all environments, after which training ends.",
        low=1,
        high=10_000_000_000,
        group="task",
    )
    n_envs: int = setting(
        64,
        "Environments",
        "Robots that practise side by side; more give steadier gradients and larger rollouts.",
        low=1,
        high=4096,
        group="task",
    )
    kernels: str = setting(
        "auto",
        "Arithmetic",
        "auto learns with compiled kernels where the browser can, numpy with the slower reference.",
        choices=("auto", "numpy"),
    )
    randomize: bool = setting(
        False,
        "Randomise the robot",
        "Vary mass, friction, strength, delays and pushes by episode; learns slower, ends sturdier.",
    )
    revisit: float = setting(
        0.0,
        "Start where it has been",
        "Share of episodes that begin in a state visited earlier; more practise what comes late.",
        low=0.0,
        high=1.0,
    )
    reward: str = ""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    algo: AlgoConfig = field(default_factory=PPOConfig)

    def __post_init__(self) -> None:
        """Check the settings and how they fit together."""
        check_settings(self)
        if not isinstance(self.task, str) or not self.task:
            raise ConfigError(f"task={self.task!r} must be the name of a task")
        if not isinstance(self.reward, str):
            raise ConfigError(f"reward={self.reward!r:.60} must be the source of a reward function, a text")
        needed = _algorithm_config(self.algorithm)
        if not isinstance(self.algo, needed):
            raise ConfigError(
                f"algorithm={self.algorithm} needs {needed.__name__}, not {type(self.algo).__name__}"
            )
        batch = self.n_envs * self.algo.n_steps
        if batch > 1_048_576:
            raise ConfigError(
                f"n_envs={self.n_envs} x n_steps={self.algo.n_steps} = {batch} samples per "
                f"update do not fit in memory; the most is 1048576"
            )
        problem = _problem_between(self.n_envs, self.algo)
        if problem:
            raise ConfigError(problem)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, with the recipe version."""
        return {"recipe_version": RECIPE_VERSION, **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Recipe":
        """Read a recipe written by to_json.

        Raises:
            ConfigError: an unknown key, a value out of its limits, or a recipe of another version.
        """
        record = dict(record)
        version = record.pop("recipe_version", RECIPE_VERSION)
        if version not in READABLE_VERSIONS:
            raise ConfigError(
                f"recipe_version={version!r} cannot be read; "
                f"this TabRL reads {', '.join(map(str, READABLE_VERSIONS))}"
            )
        algorithm = record.get("algorithm", "ppo")
        record["network"] = _build(NetworkConfig, record.get("network", {}), "network.")
        record["algo"] = _build(_algorithm_config(algorithm), record.get("algo", {}), "algo.")
        recipe: Recipe = _build(cls, record, "")
        return recipe


def _problem_between(n_envs: int, algo: AlgoConfig) -> str:
    """What is wrong between settings of an algorithm that are each right, or ""."""
    batch = n_envs * algo.n_steps
    match algo:
        case PPOConfig() if algo.minibatch_size > batch:
            return (
                f"algo.minibatch_size={algo.minibatch_size} is more than the "
                f"n_envs*n_steps={batch} samples of a rollout; "
                f"lower it to {batch} or raise n_steps"
            )
        case SACConfig() if batch > algo.buffer_size:
            return (
                f"algo.buffer_size={algo.buffer_size} is less than the n_envs*n_steps={batch} steps "
                f"between learning; raise it or lower n_steps"
            )
        case ARSConfig() if algo.top_directions > algo.n_directions:
            return (
                f"algo.top_directions={algo.top_directions} is more than n_directions={algo.n_directions}; "
                f"lower it to {algo.n_directions}"
            )
        case ARSConfig() if n_envs > 2 * algo.n_directions:
            return (
                f"n_envs={n_envs} is more than the 2*n_directions={2 * algo.n_directions} episodes of an "
                f"update; lower it to {2 * algo.n_directions} or raise n_directions"
            )
    return ""


def _algorithm_config(name: object) -> type[AlgoConfig]:
    if not isinstance(name, str) or name not in ALGORITHMS:
        raise ConfigError(f"algorithm={name!r} is not known; choose one of {', '.join(ALGORITHMS)}")
    return ALGORITHMS[name]


def _build(cls: type[T], record: object, prefix: str) -> T:
    if not isinstance(record, dict):
        raise ConfigError(f"{prefix or 'recipe'}: expected settings by name, got {record!r}")
    known = {f.name for f in dataclasses.fields(cls)}
    for key in record:
        if key not in known:
            raise ConfigError(f"{prefix}{key} is not a setting; the settings are {', '.join(sorted(known))}")
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in record.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(f"{prefix or 'recipe'}: {error}") from error


def describe_settings() -> dict[str, list[dict[str, Any]]]:
    """The settings of a run, the networks and each algorithm, with their words and limits, for the page."""
    groups: dict[str, Any] = {"run": Recipe, "network": NetworkConfig, **ALGORITHMS}
    return {name: describe(cls) for name, cls in groups.items()}
