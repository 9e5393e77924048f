"""Training in the page's workers in Node.js, to the same bytes as in a browser.

tests/parity/test_same_bytes.py compares them. A browser's clock and its drawing want the machine for
themselves; these runs need not, and can be paused.
"""

import base64
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks._tab import TabRun
from tabrl_py.config import Recipe
from wasm.build import dist

DRIVER = Path(__file__).parent / "runs" / "train_in_node.mjs"
REPORT_UPDATES = 20


def train_in_node(recipe: Recipe, members: int) -> TabRun:
    """Train a recipe in the built page's workers, saying now and then how far it is.

    Args:
        recipe: what to run.
        members: how many workers learn together; the policy does not depend on it.
    """
    node = shutil.which("node")
    if node is None:
        sys.exit("--node needs Node.js 20 or newer; install it, or train in the browser without --node")
    page = dist.build()
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    began = time.monotonic()
    records: list[dict[str, Any]] = []
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        asked = json.dumps({"recipe": recipe.to_json(), "members": members})
        command = [node, str(DRIVER), str(page), f"{folder}/page", asked]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                said: dict[str, Any] = json.loads(line)
                found |= said
                if "progress" in said:
                    records.append(said["progress"])
                    _report(records)
    if process.returncode != 0:
        sys.exit(f"the run ended after {len(records)} updates; see above what its worker said")
    wall_s = time.monotonic() - began
    engine = f"Node.js {version}, the page's workers, {members} of them"
    return TabRun(recipe, records, found["evaluation"], base64.b64decode(found["policy"]), wall_s, engine)


def _report(records: list[Mapping[str, Any]]) -> None:
    last = records[-1]
    if len(records) % REPORT_UPDATES == 0:
        names = ("steps", "return_mean", "length_mean", "fall_rate", "distance_mean", "action_std", "kl")
        print("  ".join(f"{name} {last[name]:.5g}" for name in names if last[name] is not None), flush=True)
