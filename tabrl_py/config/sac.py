"""The settings of SAC."""

from dataclasses import dataclass

from tabrl_py.settings import check_settings, setting


@dataclass(frozen=True)
class SACConfig:
    """Soft actor-critic (arXiv:1812.05905): off-policy, from a memory of past steps."""

    n_steps: int = setting(
        16,
        "Steps per rollout",
        "Control steps each environment takes between learning; more learn later, and in longer stretches.",
        low=1,
        high=8192,
    )
    learning_rate: float = setting(
        3e-4,
        "Learning rate",
        "Size of Adam's steps for actor, critics and temperature; raising it learns faster until it breaks.",
        low=1e-6,
        high=1e-1,
        group="algorithm",
    )
    updates_per_step: float = setting(
        1.0,
        "Gradient steps per control step",
        "Learning for every step of one environment; more learn more from each step and take longer.",
        low=0.01,
        high=20.0,
        group="algorithm",
    )
    gamma: float = setting(
        0.99,
        "Discount",
        "How much later reward counts; closer to 1 looks further ahead.",
        low=0.0,
        high=1.0,
        group="algorithm",
    )
    buffer_size: int = setting(
        300_000,
        "Memory",
        "Control steps that are remembered and learned from; more take more memory and forget later.",
        low=100,
        high=10_000_000,
    )
    warmup_steps: int = setting(
        10_000,
        "Random steps at first",
        "Control steps of uniformly random actions before learning begins; more begin with a wider view.",
        low=0,
        high=10_000_000,
    )
    minibatch_size: int = setting(
        256,
        "Minibatch",
        "Remembered steps per gradient step; larger is steadier and slower.",
        low=2,
        high=65536,
    )
    tau: float = setting(
        0.005,
        "Target rate",
        "Share of the critics that their slow copies take on each gradient step; raising it follows sooner.",
        low=1e-4,
        high=1.0,
    )
    temperature: str = setting(
        "automatic",
        "Temperature",
        "automatic weighs randomness so that it stays near the target entropy, fixed keeps the first weight.",
        choices=("automatic", "fixed"),
    )
    init_temperature: float = setting(
        1.0,
        "First temperature",
        "Weight of randomness beside reward at the start; raising it explores more.",
        low=1e-4,
        high=10.0,
    )
    target_entropy: float = setting(
        -1.0,
        "Target entropy per action",
        "Randomness, in nats for each action, that an automatic temperature keeps; raising it explores more.",
        low=-5.0,
        high=0.6,
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        check_settings(self, "algo.")
