"""What a run that begins with a policy takes over of how that policy was learning."""

from collections.abc import Mapping
from typing import Any

from tabrl_py.config import Recipe
from tabrl_py.errors import PolicyFileError
from tabrl_py.policy.file import Policy
from tabrl_py.types import Float

RETURNS = "returns"
"""Beside the algorithm's own: the moments by which rewards are scaled."""
HEIRS = ("ppo", "reinforce")
"""Algorithms that go on from what they have learned alone; others also from the steps that they remember."""


def inherited(policy: Policy, recipe: Recipe, mine: Mapping[str, Float]) -> dict[str, Float]:
    """What the run goes on from: nothing where it learns by another algorithm or another symmetry.

    Args:
        policy: that the run begins with.
        recipe: of the run.
        mine: what the run would go on from by itself.

    Raises:
        PolicyFileError: the policy's has other names, types or shapes.
    """
    if policy.learning is None or _way(policy.recipe) != _way(recipe.to_json()):
        return {}
    for name in sorted({*mine, *policy.learning}):
        has, needs = (
            None if array is None else f"{array.dtype} {array.shape}"
            for array in (policy.learning.get(name), mine.get(name))
        )
        if has != needs:
            raise PolicyFileError(
                f"what the policy's learning goes on from has {name!r} as {has}, this run as {needs}; "
                "start from a policy file without it"
            )
    return dict(policy.learning)


def _way(recipe: Mapping[str, Any]) -> tuple[object, object]:
    """What two runs must share for one to take over from the other."""
    return recipe.get("algorithm"), recipe.get("algo", {}).get("symmetry")
