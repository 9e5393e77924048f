"""Command line of the model builder: `python -m wasm.models --out DIR`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from wasm.models import build
from wasm.models.upstream import UpstreamError


def main() -> int:
    """Write all models; 0 on success, 1 with one line when an upstream package is missing or foreign."""
    parser = argparse.ArgumentParser(prog="python -m wasm.models", description="Write the robot models.")
    parser.add_argument("--out", type=Path, required=True, help="directory for NAME.xml and NAME.scene.json")
    try:
        written = build(parser.parse_args().out)
    except UpstreamError as error:
        print(f"models: {error}", file=sys.stderr)
        return 1
    print(f"models: {len(written)} files in {written[0].parent}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
