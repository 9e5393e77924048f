"""The settings of PPO."""

from dataclasses import dataclass

from tabrl_py.settings import check_settings, setting


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
        "network makes left and right alike by construction, augment learns from mirrored samples too.",
        choices=("none", "network", "augment"),
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        check_settings(self, "algo.")
