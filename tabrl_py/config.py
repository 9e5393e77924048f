"""Every setting of a run, what it does, and the checks on it.

Each setting carries its own words and limits as field metadata, so the page, the command line and the
checks tell the same story.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from tabrl_py.errors import ConfigError
from tabrl_py.settings import check_settings, describe, setting

RECIPE_VERSION = 2
"""Raised when the same recipe would give other weights than before."""
READABLE_VERSIONS = (1, 2)
"""Recipes of these versions can be read: their settings mean the same."""


@dataclass(frozen=True)
class NetworkConfig:
    """The policy and value networks: two separate MLPs of the same shape."""

    hidden: tuple[int, ...] = setting(
        (64, 32),
        "Hidden layers",
        "Units of each hidden layer; more units can express more and cost more time per step.",
        low=1,
        high=1024,
    )
    activation: str = setting(
        "tanh",
        "Activation",
        "The non-linearity between layers; tanh is steady, relu and elu learn faster on some tasks.",
        choices=("tanh", "relu", "elu"),
    )
    init_log_std: float = setting(
        -0.7,
        "First exploration (log std)",
        "Logarithm of the action noise at the start; raising it explores more and falls more.",
        low=-5.0,
        high=1.0,
    )
    normalize_obs: bool = setting(
        True,
        "Normalise observations",
        "Scale each observation by its running mean and spread; the statistics are part of the policy.",
    )
    layer_norm: bool = setting(
        False,
        "Layer norm",
        "Bring each hidden layer's sums to mean 0 and spread 1 (arXiv:1607.06450); steadier, slower.",
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        check_settings(self, "network.")
        if len(self.hidden) > 4:
            raise ConfigError(f"network.hidden={self.hidden} has {len(self.hidden)} layers; the most is 4")


@dataclass(frozen=True)
class PPOConfig:
    """Proximal policy optimisation (arXiv:1707.06347) with a critic and GAE (arXiv:1506.02438)."""

    n_steps: int = setting(
        64,
        "Steps per rollout",
        "Control steps each environment takes between updates; more give steadier, rarer updates.",
        low=1,
        high=8192,
        group="algorithm",
    )
    learning_rate: float = setting(
        3e-4,
        "Learning rate",
        "Size of Adam's steps; raising it learns faster until it breaks.",
        low=1e-6,
        high=1e-1,
        group="algorithm",
    )
    lr_schedule: str = setting(
        "constant",
        "Learning-rate schedule",
        "constant keeps it, linear lets it sink to zero by the end, adaptive follows the KL divergence.",
        choices=("constant", "linear", "adaptive"),
    )
    lr_final: float = setting(
        0.0,
        "Last learning rate",
        "Share of the learning rate that a linear schedule ends at; raising it keeps learning to the end.",
        low=0.0,
        high=1.0,
    )
    n_epochs: int = setting(
        5,
        "Epochs",
        "Passes over each rollout; more squeeze more from every step and risk going too far.",
        low=1,
        high=50,
    )
    minibatch_size: int = setting(
        1024,
        "Minibatch",
        "Samples per gradient step; larger is steadier and takes fewer steps per epoch.",
        low=2,
        high=65536,
    )
    gamma: float = setting(
        0.99,
        "Discount",
        "How much later reward counts; closer to 1 looks further ahead.",
        low=0.0,
        high=1.0,
        group="algorithm",
    )
    gae_lambda: float = setting(
        0.95,
        "GAE lambda",
        "Trust in real returns over the critic; 1 uses returns alone, 0 the critic alone.",
        low=0.0,
        high=1.0,
    )
    clip_range: float = setting(
        0.2,
        "Clip range",
        "How far an update may move the probability of an action; raising it allows bolder updates.",
        low=0.01,
        high=1.0,
    )
    entropy_coef: float = setting(
        0.0,
        "Entropy bonus",
        "Reward for staying random; raising it keeps exploration alive longer.",
        low=0.0,
        high=0.1,
    )
    value_coef: float = setting(
        0.5, "Value loss weight", "Weight of the critic's loss beside the policy's.", low=0.0, high=10.0
    )
    max_grad_norm: float = setting(
        0.5,
        "Gradient limit",
        "Longest gradient that is applied whole; longer ones are scaled down to it.",
        low=0.01,
        high=100.0,
    )
    target_kl: float = setting(
        0.03,
        "KL stop",
        "An update stops early beyond 1.5 times this KL divergence from the acting policy; 0 never stops.",
        low=0.0,
        high=1.0,
    )
    normalize_advantage: bool = setting(
        True,
        "Normalise advantages",
        "Give each minibatch's advantages mean 0 and spread 1, so the reward's scale matters less.",
    )
    scale_reward: bool = setting(
        True,
        "Scale rewards",
        "Divide rewards by the running spread of the discounted return, so the critic's targets stay near 1.",
    )
    exploration: str = setting(
        "learned",
        "Exploration",
        "learned lets the gradient choose the action noise, annealed lowers it steadily to the last one.",
        choices=("learned", "annealed"),
    )
    final_log_std: float = setting(
        -2.5,
        "Last exploration (log std)",
        "Logarithm of the action noise that an annealed exploration ends at; lower ends more precise.",
        low=-6.0,
        high=1.0,
    )
    symmetry: str = setting(
        "none",
        "Left-right symmetry",
        "augment learns from every sample's mirror image too: what the left leg learns, the right one knows.",
        choices=("none", "augment"),
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        check_settings(self, "algo.")


@dataclass(frozen=True)
class ReinforceConfig:
    """REINFORCE (Williams 1992) with reward-to-go and a learned baseline."""

    n_steps: int = setting(
        200,
        "Steps per rollout",
        "Control steps each environment takes between updates; more give a less noisy gradient.",
        low=1,
        high=8192,
        group="algorithm",
    )
    learning_rate: float = setting(
        3e-3,
        "Learning rate",
        "Size of Adam's steps for the policy; raising it learns faster until it breaks.",
        low=1e-6,
        high=1e-1,
        group="algorithm",
    )
    baseline_learning_rate: float = setting(
        3e-3,
        "Baseline learning rate",
        "Size of Adam's steps for the baseline; raising it follows the policy's return sooner.",
        low=1e-6,
        high=1e-1,
    )
    baseline_epochs: int = setting(
        5,
        "Baseline epochs",
        "Passes over each rollout for the baseline; more make it fit the return closer.",
        low=1,
        high=50,
    )
    gamma: float = setting(
        0.99,
        "Discount",
        "How much later reward counts; closer to 1 looks further ahead.",
        low=0.0,
        high=1.0,
        group="algorithm",
    )
    entropy_coef: float = setting(
        0.0,
        "Entropy bonus",
        "Reward for staying random; raising it keeps exploration alive longer.",
        low=0.0,
        high=0.1,
    )
    max_grad_norm: float = setting(
        1.0,
        "Gradient limit",
        "Longest gradient that is applied whole; longer ones are scaled down to it.",
        low=0.01,
        high=100.0,
    )
    scale_reward: bool = setting(
        True,
        "Scale rewards",
        "Divide rewards by the running spread of the discounted return, so the critic's targets stay near 1.",
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        check_settings(self, "algo.")


AlgoConfig: TypeAlias = PPOConfig | ReinforceConfig
AlgorithmName: TypeAlias = Literal["ppo", "reinforce"]
ALGORITHMS: dict[str, type[PPOConfig] | type[ReinforceConfig]] = {
    "ppo": PPOConfig,
    "reinforce": ReinforceConfig,
}


@dataclass(frozen=True)
class Recipe:
    """All that decides a run: the same recipe gives the same weights, bit for bit, in every browser."""

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
    network: NetworkConfig = field(default_factory=NetworkConfig)
    algo: AlgoConfig = field(default_factory=PPOConfig)

    def __post_init__(self) -> None:
        """Check the settings and how they fit together."""
        check_settings(self)
        if not isinstance(self.task, str) or not self.task:
            raise ConfigError(f"task={self.task!r} must be the name of a task")
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
        if isinstance(self.algo, PPOConfig) and self.algo.minibatch_size > batch:
            raise ConfigError(
                f"algo.minibatch_size={self.algo.minibatch_size} is more than the "
                f"n_envs*n_steps={batch} samples of a rollout; "
                f"lower it to {batch} or raise n_steps"
            )

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


def _algorithm_config(name: object) -> type[PPOConfig] | type[ReinforceConfig]:
    if not isinstance(name, str) or name not in ALGORITHMS:
        raise ConfigError(f"algorithm={name!r} is not known; choose one of {', '.join(ALGORITHMS)}")
    return ALGORITHMS[name]


def _build(cls: Any, record: Any, prefix: str) -> Any:  # noqa: ANN401 - builds any settings dataclass
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
