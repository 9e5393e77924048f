"""The settings of the networks."""

from dataclasses import dataclass

from tabrl_py.errors import ConfigError
from tabrl_py.settings import check_settings, setting


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
        if self.layer_norm and 1 in self.hidden:
            raise ConfigError(
                f"network.hidden={self.hidden} has a layer of 1 unit, which network.layer_norm=True makes "
                "constant; use 2 units or more, or no layer norm"
            )
