"""What lies in a share link, field by field: the one description that Python and the page write and read by.

A link's payload is its kind's fields in order, packed without gaps. docs/formats.md says it in words;
`python -m tabrl_py.policy.link_layout` writes `web/links/layout.js`, and `--check` fails when that is stale.

Types of fields:

- `text`: how many bytes, as a count, then UTF-8; at most `longest` bytes; no control characters or marks that
  change the direction of writing, but for tabs and line feeds where `lines` is true.
- `count`: a whole number from `low` to `high`, seven bits a byte, the low ones first, the eighth set on all
  bytes but the last (LEB128), in as few bytes as it takes.
- `counts`: how many, from `least` to `most`, then so many counts from `low` to `high`.
- `choice`: one byte, an index into `choices`.
- `halves`: float16, all low bytes and then all high bytes; as many as `size` says: `inputs` and `outputs` of
  the network, `units` (of all layers but the first) or `weights` (of all matrices). All are finite.
- `bytes`: as many signed bytes as `size` says, none of them -128.
- `settings`: how many, at most `most`, then for each by ascending path: the path as a text, one byte that
  says the type (an index into SETTING_TYPES) and the value: a count, a float64, a byte 0 or 1, a text, or
  counts.

A field with `when` is there only where an earlier choice has that value.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tabrl_py.config import READABLE_VERSIONS
from tabrl_py.nn.mlp import ACTIVATIONS
from tabrl_py.policy.file import SQUASHES

VERSION = 1
"""First byte of a link; a reader of another version refuses it."""
LARGEST_COUNT = 2**53 - 1
SETTING_TYPES = ("int", "float", "bool", "choice", "int_list")
YES_NO = ["no", "yes"]

_NAME = {"name": "name", "type": "text", "longest": 120}
_MADE = {"name": "made", "type": "text", "longest": 200}
_TASK = {"name": "task", "type": "text", "longest": 64}
_NORMALIZED = {"normalized": "yes"}

LAYOUT: dict[str, Any] = {
    "version": VERSION,
    "longest_link": 400_000,
    "largest_payload": 600_000,
    "largest_weights": 250_000,
    "setting_types": list(SETTING_TYPES),
    "setting_text": 48,
    "recipe_versions": list(READABLE_VERSIONS),
    "policy": {
        "key": "p",
        "fields": [
            _TASK,
            _NAME,
            _MADE,
            {"name": "layout_version", "type": "count", "low": 0, "high": 65_535},
            {"name": "steps", "type": "count", "low": 0, "high": LARGEST_COUNT},
            {"name": "sizes", "type": "counts", "least": 2, "most": 8, "low": 1, "high": 65_536},
            {"name": "activation", "type": "choice", "choices": list(ACTIVATIONS)},
            {"name": "layer_norm", "type": "choice", "choices": YES_NO},
            {"name": "squash", "type": "choice", "choices": list(SQUASHES)},
            {"name": "precision", "type": "choice", "choices": ["int8", "f16"]},
            {"name": "normalized", "type": "choice", "choices": YES_NO},
            {"name": "obs_count", "type": "count", "low": 0, "high": LARGEST_COUNT, "when": _NORMALIZED},
            {"name": "obs_mean", "type": "halves", "size": "inputs", "when": _NORMALIZED},
            {"name": "obs_std", "type": "halves", "size": "inputs", "when": _NORMALIZED},
            {"name": "log_std", "type": "halves", "size": "outputs"},
            {"name": "biases", "type": "halves", "size": "units"},
            {"name": "row_max", "type": "halves", "size": "units", "when": {"precision": "int8"}},
            {"name": "weights8", "type": "bytes", "size": "weights", "when": {"precision": "int8"}},
            {"name": "weights16", "type": "halves", "size": "weights", "when": {"precision": "f16"}},
        ],
    },
    "recipe": {
        "key": "r",
        "fields": [
            _TASK,
            _NAME,
            _MADE,
            {"name": "recipe_version", "type": "count", "low": 1, "high": 65_535},
            {"name": "algorithm", "type": "text", "longest": 24},
            {"name": "settings", "type": "settings", "most": 64},
            {"name": "reward", "type": "text", "longest": 20_000, "lines": True},
        ],
    },
}

MODULE = Path(__file__).resolve().parents[2] / "web" / "links" / "layout.js"


def javascript() -> str:
    """The description as a module of the page, in the form in which biome leaves it."""
    head = "/** What lies in a share link. Written by `python -m tabrl_py.policy.link_layout`. */\n\n"
    return f"{head}export const LAYOUT = /** @type {{const}} */ (\n{json.dumps(LAYOUT, indent=2)}\n);\n"


def main(arguments: list[str] | None = None) -> int:
    """The command line; 1 when `--check` finds the module stale."""
    parser = argparse.ArgumentParser(prog="python -m tabrl_py.policy.link_layout")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the module is stale")
    parser.add_argument("--out", type=Path, default=MODULE)
    chosen = parser.parse_args(arguments)
    if not chosen.check:
        chosen.out.write_text(javascript(), encoding="utf-8", newline="\n")
        return 0
    current = chosen.out.is_file() and chosen.out.read_text(encoding="utf-8") == javascript()
    if not current:
        print(f"{chosen.out} is stale; run `python -m tabrl_py.policy.link_layout`", file=sys.stderr)
    return 0 if current else 1


if __name__ == "__main__":
    sys.exit(main())
