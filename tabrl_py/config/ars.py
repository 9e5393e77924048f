"""The settings of ARS."""

from dataclasses import dataclass

from tabrl_py.settings import check_settings, setting


@dataclass(frozen=True)
class ARSConfig:
    """Augmented random search (arXiv:1803.07055): random changes of the weights, and the best of them kept.

    Normalised observations make it the paper's V2, others V1; fewer top directions than directions make
    it V1-t or V2-t.
    """

    n_directions: int = setting(
        32,
        "Directions",
        "Random changes of the weights tried per update, each forwards and backwards for a whole episode.",
        low=1,
        high=2048,
        group="algorithm",
    )
    top_directions: int = setting(
        4,
        "Directions used",
        "The best of the directions, which the update follows; fewer are bolder and noisier.",
        low=1,
        high=2048,
        group="algorithm",
    )
    step_size: float = setting(
        0.02,
        "Step size",
        "How far an update moves the weights; raising it learns faster until it breaks.",
        low=1e-5,
        high=10.0,
        group="algorithm",
    )
    noise: float = setting(
        0.03,
        "Size of the changes",
        "Standard deviation of the random changes of the weights; raising it explores more.",
        low=1e-5,
        high=10.0,
        group="algorithm",
    )
    reward_shift: float = setting(
        0.0,
        "Reward shift",
        "Taken off each step's reward; by as much as a task pays for being up, standing still earns nothing.",
        low=-100.0,
        high=100.0,
    )
    n_steps: int = setting(
        250,
        "Steps per record",
        "Control steps of each environment between two records; updates come when their episodes have ended.",
        low=1,
        high=8192,
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        check_settings(self, "algo.")
