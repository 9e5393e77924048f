"""MuJoCo's official WebAssembly module, made faster by Binaryen's wasm-opt (npm `binaryen`).

The module calls its small functions, of vectors and quaternions, where they could stand. Putting them there
makes steps faster (docs/measured.md) and changes no bit of what they compute: wasm-opt keeps floating-point
operations and their order, and tests/parity/test_engine.py compares the states.

Only that one pass and what tidies up after it: all of `-O3` takes ten times as long and gives no more.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from wasm.build.console import run_logged
from wasm.build.errors import BuildError
from wasm.build.paths import CACHE, NODE_MODULES
from wasm.build.wasm_sections import without_custom_sections

KEPT = CACHE / "engine"
OPTIMIZER = NODE_MODULES / "binaryen"
# What the module uses; wasm-opt must neither refuse it nor bring in more.
FEATURES = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
]
PASSES = [
    "--optimize-level=3",  # below 3 no function is put where it is called from several places
    "--flexible-inline-max-function-size=200",
    "--inline-functions-with-loops",
    "--inlining",
    "--coalesce-locals",
    "--vacuum",
    "--reorder-locals",
]


def optimized(module: Path) -> Path:
    """The module without debugging information, with its functions inlined; kept by content.

    Raises:
        BuildError: it is no WebAssembly module, or wasm-opt is missing or failed.
    """
    plain = without_custom_sections(module.read_bytes())
    kept = KEPT / f"{hashlib.sha256(plain + _settings()).hexdigest()}.wasm"
    if kept.is_file():
        return kept
    KEPT.mkdir(parents=True, exist_ok=True)
    before, after = kept.with_suffix(".in"), kept.with_suffix(".part")
    before.write_bytes(plain)
    tool = OPTIMIZER / "bin" / "wasm-opt"
    run_logged(
        "Making the physics engine faster",
        ["node", tool, *FEATURES, *PASSES, before, "--output", after],
        "engine.log",
    )
    after.write_bytes(without_custom_sections(after.read_bytes()))
    before.unlink()
    after.replace(kept)
    return kept


def _settings() -> bytes:
    """What else decides the result: the optimizer's version and what it is asked for."""
    record = OPTIMIZER / "package.json"
    if not record.is_file():
        raise BuildError(
            "the npm package binaryen is missing; delete the folder wasm/node_modules and run this again"
        )
    version = json.loads(record.read_text(encoding="utf-8"))["version"]
    return "\n".join([version, *FEATURES, *PASSES]).encode()
