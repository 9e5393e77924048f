"""What a language model's answers look like: the schemas it is given, and what checks them again."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tabrl_py.meta.proposal import HYPERPARAMETERS, LONGEST_NAME, LONGEST_RATIONALE
from tabrl_py.meta.state import LETTERS

PROPOSE = "propose_rewards"
FITNESS = "propose_fitness"


class ProposedReward(BaseModel):
    """One reward of an answer."""

    model_config = ConfigDict(extra="forbid")

    slot: str = Field(min_length=1, max_length=1)
    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    rationale: str = Field(max_length=LONGEST_RATIONALE)
    parents: list[str] = Field(default_factory=list, max_length=4)
    reward: str = Field(min_length=1)
    hyperparameters: dict[str, float | int | str] = Field(default_factory=dict)


class ProposedRewards(BaseModel):
    """An answer with rewards."""

    model_config = ConfigDict(extra="forbid")

    analysis: str
    rewards: list[ProposedReward]


class ProposedFitness(BaseModel):
    """An answer with a fitness."""

    model_config = ConfigDict(extra="forbid")

    analysis: str
    fitness: str = Field(min_length=1)


def tools(members: int) -> list[dict[str, Any]]:
    """The two tools, one of which every answer must use. They are the same for a whole loop."""
    return [
        {
            "name": PROPOSE,
            "description": "Give the reward functions of the slots that are asked for.",
            "input_schema": _object(
                {
                    "analysis": _text("What the results say and what follows from it, in plain words."),
                    "rewards": {"type": "array", "items": _reward(members)},
                }
            ),
        },
        {
            "name": FITNESS,
            "description": "Give the fitness function and the behaviour metrics that members are ranked by.",
            "input_schema": _object(
                {
                    "analysis": _text("What the fitness measures, and how it could be fooled."),
                    "fitness": _text("Python source of `fitness(s) -> (score, metrics)`."),
                }
            ),
        },
    ]


def _reward(members: int) -> dict[str, Any]:
    return _object(
        {
            "slot": {"type": "string", "enum": list(LETTERS[:members])},
            "name": _text(f"A few words, at most {LONGEST_NAME} letters."),
            "rationale": _text("Why it may work, in one or two sentences."),
            "parents": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Members it came from, such as B1; empty for a new idea.",
            },
            "reward": _text("Python source of `reward(s) -> (total, terms)`."),
            "hyperparameters": {
                "type": "object",
                "properties": {name: _setting(name) for name in HYPERPARAMETERS},
                "additionalProperties": False,
                "description": "Only what is to differ from the task's recipe.",
            },
        }
    )


def _setting(name: str) -> dict[str, Any]:
    known = HYPERPARAMETERS[name]
    if known.choices:
        return {"type": "string", "enum": list(known.choices)}
    kind = "integer" if known.whole else "number"
    return {"type": kind, "minimum": known.low, "maximum": known.high}


def _text(words: str) -> dict[str, Any]:
    return {"type": "string", "description": words}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def words_of(error: ValidationError) -> str:
    """What is wrong with an answer, for the model that wrote it."""
    found = [f"{'.'.join(map(str, each['loc'])) or 'the answer'}: {each['msg']}" for each in error.errors()]
    return "the answer does not have the form of the tool: " + "; ".join(found[:5])
