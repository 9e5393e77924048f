"""The settings of REINFORCE."""

from dataclasses import dataclass

from tabrl_py.settings import check_settings, setting


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
