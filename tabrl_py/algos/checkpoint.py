"""The file of a run that can be gone on with (docs/formats.md), by any number of workers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tabrl_py.config import Recipe
from tabrl_py.policy import safetensors
from tabrl_py.policy.file import check_format, dump
from tabrl_py.types import Float

CHECKPOINT_FORMAT = "tabrl-checkpoint"
CHECKPOINT_VERSION = 2


@dataclass
class Snapshot:
    """A run at the start of a rollout.

    Attributes:
        run: copies of what every member has alike, by name.
        rows: (N, ...) of all rows of the run, by name; empty before the first rollout, where they follow
            from the recipe.
    """

    run: dict[str, Float]
    rows: dict[str, Float] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Mapping[str, Float], rows: Mapping[str, Float] | None = None) -> "Snapshot":
        """Copy what goes on changing; `rows` are kept as they are."""
        return cls({name: np.array(value) for name, value in run.items()}, dict(rows or {}))

    def part(self, prefix: str) -> dict[str, Float]:
        """The arrays of the run whose names begin so, by the rest of their names."""
        return _part(self.run, prefix)

    def part_of_rows(self, prefix: str, rows: range) -> dict[str, Float]:
        """Some rows of the arrays whose names begin so, by the rest of their names."""
        chosen = _part(self.rows, prefix)
        return {name: value[rows.start : rows.stop] for name, value in chosen.items()}


def prefixed(prefix: str, arrays: Mapping[str, Float]) -> dict[str, Float]:
    """The same arrays under longer names."""
    return {f"{prefix}{name}": value for name, value in arrays.items()}


def write_checkpoint(snapshot: Snapshot, recipe: Recipe, memory: Mapping[str, Float]) -> bytes:
    """The file of a snapshot.

    Args:
        snapshot: what was copied at the time.
        recipe: of the run.
        memory: what is too large to be copied then; see Algorithm.memory.
    """
    metadata = {
        "format": CHECKPOINT_FORMAT,
        "format_version": str(CHECKPOINT_VERSION),
        "task": recipe.task,
        "recipe": dump(recipe.to_json()),
        "steps": str(int(snapshot.run["counters"][0])),
    }
    rows = prefixed("rows.", snapshot.rows)
    return safetensors.write({**snapshot.run, **rows, **prefixed("algorithm.", memory)}, metadata)


def read_checkpoint(data: bytes) -> tuple[Snapshot, dict[str, str]]:
    """What write_checkpoint() wrote, and the metadata.

    Raises:
        PolicyFileError: the file is not a checkpoint that this version reads.
    """
    arrays, metadata = safetensors.read(data)
    check_format(metadata, CHECKPOINT_FORMAT, CHECKPOINT_VERSION, "checkpoint")
    rows = _part(arrays, "rows.")
    return Snapshot({k: v for k, v in arrays.items() if not k.startswith("rows.")}, rows), metadata


def _part(arrays: Mapping[str, Float], prefix: str) -> dict[str, Float]:
    return {name[len(prefix) :]: value for name, value in arrays.items() if name.startswith(prefix)}
