"""What a person asks a loop for: the task in words, who designs, and what it may spend."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tabrl_py.errors import ConfigError
from tabrl_py.rewards.fitness import fitness_source
from tabrl_py.settings import check_settings, setting
from tabrl_py.tasks import get_task

PROPOSED = "proposed"
"""As a brief's fitness: the designer proposes one, the person may edit it, then it is frozen."""
LONGEST_TEXT = 4_000
LONGEST_TRAINING = 10_000_000_000
"""Control steps: as many as a recipe takes."""
FIRST_EVALUATION_SEED = 100
"""Fitness is measured on seeds that no shown evaluation uses."""


@dataclass(frozen=True)
class Brief:
    """What is to be designed. Its settings carry their words and limits, as a recipe's do.

    Attributes:
        text: what the robot is to do, in the person's words.
        task: id of the task whose robot, observation and first states are used.
        fitness: what ranks: a name of FITNESS, code, PROPOSED, or "" for the task's own.
        model: of the language model; not for the built-in designer.
    """

    text: str
    task: str
    fitness: str = ""
    designer: str = setting(
        "builtin",
        "Designer",
        "builtin searches over the library of terms, claude asks a language model.",
        choices=("builtin", "claude"),
        group="task",
    )
    model: str = ""
    members: int = setting(
        4, "Members", "More rewards are tried in each generation; time grows with them.", low=1, high=16
    )
    generations: int = setting(
        3, "Generations", "More rounds of reading the results and designing again.", low=1, high=50
    )
    steps_per_member: int = setting(
        500_000,
        "Steps per member",
        "Longer training of each member tells good rewards from bad ones more surely.",
        low=256,
        high=1_000_000_000,
    )
    seed: int = setting(
        0, "Seed", "Decides every random draw of the loop; raising it only changes them.", low=0, high=2**31
    )
    evaluation_seeds: int = setting(
        10, "Evaluation seeds", "More episodes measure each fitness more surely.", low=1, high=256
    )
    pbt: bool = setting(
        True,
        "Weights go on",
        "A member goes on from its parent's weights, the worst one without a parent from the best; off: each "
        "begins anew.",
    )
    narrow: bool = setting(
        False,
        "Narrow down",
        "Each generation has half as many members as the one before and trains each for twice as long: the "
        "best learn most.",
    )
    images: bool = setting(False, "Show pictures", "The designer sees a contact sheet of each robot's gait.")
    plateau: int = setting(
        0,
        "Plateau",
        "The loop ends when so many generations brought nothing better; 0 never ends it so.",
        low=0,
        high=50,
    )
    max_tokens: int = setting(
        400_000, "Tokens", "A cap on all tokens read and written.", low=1_000, high=1_000_000_000
    )
    max_usd: float = setting(5.0, "Money", "A cap in US dollars.", low=0.01, high=100_000.0, unit="$")
    max_seconds: float = setting(
        7_200.0,
        "Time",
        "The loop ends after the generation in which this time is over.",
        low=1.0,
        high=10_000_000.0,
        unit="s",
    )
    final_seeds: int = setting(
        3, "Fresh seeds at the end", "The winner is trained again from so many new seeds.", low=0, high=20
    )
    final_steps: int = setting(
        1_500_000, "Steps of each of them", "Longer final training shows all the winner's reward can do.",
        low=256, high=1_000_000_000,
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Check everything that can be checked without asking anybody."""
        check_settings(self)
        # JavaScript writes 5.0 as 5; the ledger's first line is the same from either side.
        for name in ("max_usd", "max_seconds"):
            object.__setattr__(self, name, float(getattr(self, name)))
        for name in ("text", "task", "fitness", "model"):
            if not isinstance(getattr(self, name), str):
                raise ConfigError(f"{name}={getattr(self, name)!r} must be text")
        if not self.text.strip():
            raise ConfigError("text is empty; say what the robot is to do")
        if len(self.text) > LONGEST_TEXT:
            raise ConfigError(f"text has {len(self.text)} letters; the most is {LONGEST_TEXT}")
        longest = self.steps_of(self.generations)
        if longest > LONGEST_TRAINING:
            raise ConfigError(
                f"steps_per_member={self.steps_per_member} comes to {longest} for the last member, as the "
                f"search narrows down; the most is {LONGEST_TRAINING}: lower it, or let members stay as many"
            )
        task = get_task(self.task)
        if self.fitness == PROPOSED and self.designer == "builtin":
            raise ConfigError(
                "fitness=proposed needs a language model; the built-in designer cannot write one: "
                "choose a fitness, or give its code"
            )
        if self.fitness != PROPOSED:
            fitness_source(self.fitness, task)
        if self.designer == "claude" and not self.model:
            raise ConfigError("model is empty; choose one of the models that the API lists")

    def size_of(self, generation: int) -> int:
        """Members of a generation, counted from 1 since the search began or branched."""
        return max(1, self.members >> (generation - 1)) if self.narrow else self.members

    def steps_of(self, generation: int) -> int:
        """Control steps of each of its members: no generation costs more than another.

        Successive halving: Karnin, Koren, Somekh, "Almost Optimal Exploration in Multi-Armed Bandits", ICML
        2013; for hyperparameters Jamieson and Talwalkar, arXiv:1502.07943.
        """
        return self.steps_per_member * self.members // self.size_of(generation)

    @property
    def seeds(self) -> list[int]:
        """That every fitness is measured on."""
        return list(range(FIRST_EVALUATION_SEED, FIRST_EVALUATION_SEED + self.evaluation_seeds))

    def training_seed(self, generation: int) -> int:
        """Of all members of a generation: they differ by their rewards, not by their luck."""
        return self.seed * 1_000 % 2**31 + generation

    def final_seed(self, index: int) -> int:
        """Of a final training: none that any generation had."""
        return self.seed * 1_000 % 2**31 + 500 + index

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values. What a ledger of before it was there lacks is not said where it is off."""
        record = dataclasses.asdict(self)
        if not self.narrow:
            del record["narrow"]
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Brief":
        """Read a brief; what is not said has its default.

        Raises:
            ConfigError: an unknown field, or a value out of its limits.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        for name in record:
            if name not in known:
                raise ConfigError(f"{name} is not a field of a brief; they are {', '.join(sorted(known))}")
        try:
            return cls(**record)
        except TypeError as error:
            raise ConfigError(f"brief: {error}") from error
