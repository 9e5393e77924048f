"""Training in the page's workers in Node.js, to the same bytes as in a browser.

tests/parity/test_same_bytes.py compares them. A browser's clock and its drawing want the machine for
themselves; these runs need not, and can be paused. An interrupted one goes on where it last was kept, and
comes to the same bytes.
"""

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import _runs
from benchmarks._tab import TabRun
from tabrl_py.config import Recipe
from tabrl_py.tasks import get_task
from wasm.build import dist

DRIVER = Path(__file__).parent / "runs" / "train_in_node.mjs"
REPORT_UPDATES = 20
KEPT = _runs.ROOT / ".cache" / "zoo"
KEPT_STEPS = 100_000
"""About so many control steps are lost with an interrupted run."""
SOURCES = (
    *("tabrl_py/algos", "tabrl_py/nn", "tabrl_py/rewards/library.py", "tabrl_py/rng.py", "tabrl_py/sim"),
    *("tabrl_py/tasks", "wasm/assets.lock", "wasm/kernels", "wasm/models"),
)
"""What decides a run's bytes, beside its recipe: a run of other code begins anew."""


@dataclass
class Unfinished:
    """A run on its way, in a file.

    Attributes:
        records: of its updates up to the checkpoint, and after it those of this process.
        checkpoint: in base64; "" at the beginning.
        wall_s: that the processes before this one took up to the checkpoint.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    checkpoint: str = ""
    wall_s: float = 0.0

    @classmethod
    def read(cls, place: Path) -> "Unfinished":
        """What is in a file; a run at its beginning where there is none."""
        return cls(**json.loads(place.read_text())) if place.exists() else cls()

    def keep(self, place: Path, checkpoint: str, steps: int, wall_s: float) -> None:
        """Put the run as it was after so many steps into a file."""
        records = [record for record in self.records if record["steps"] <= steps]
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_suffix(".part")
        beside.write_text(json.dumps(asdict(Unfinished(records, checkpoint, wall_s))))
        beside.replace(place)


def place_of(recipe: Recipe) -> Path:
    """Where an unfinished run of a recipe is kept."""
    task = get_task(recipe.task)
    decided = json.dumps([recipe.to_json(), task.to_json()], sort_keys=True) + _runs.sources(SOURCES)
    return KEPT / f"{recipe.task}-{hashlib.sha256(decided.encode()).hexdigest()[:16]}.json"


def train_in_node(recipe: Recipe, members: int) -> TabRun:
    """Train a recipe in the built page's workers, saying now and then how far it is.

    Args:
        recipe: what to run.
        members: how many workers learn together; the policy does not depend on it.
    """
    node = shutil.which("node")
    if node is None:
        sys.exit("--node needs Node.js 20 or newer; install it, or train in the browser without --node")
    page, place = dist.build(), place_of(recipe)
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    run, began = Unfinished.read(place), time.monotonic()
    before_s = run.wall_s
    found: dict[str, Any] = {}
    if run.records:
        print(f"going on with a run that was interrupted after {run.records[-1]['steps']} steps", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        every = max(1, round(KEPT_STEPS / (recipe.n_envs * recipe.algo.n_steps)))
        asked = {"recipe": recipe.to_json(), "members": members, "checkpoint_every_updates": every}
        Path(folder, "asked.json").write_text(json.dumps({**asked, "checkpoint": run.checkpoint}))
        command = [node, str(DRIVER), str(page), f"{folder}/page", f"{folder}/asked.json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                said = json.loads(line)
                if "progress" in said:
                    run.records.append(said["progress"])
                    _report(run.records)
                elif "checkpoint" in said:
                    wall_s = before_s + time.monotonic() - began
                    run.keep(place, said["checkpoint"], said["steps"], wall_s)
                else:
                    found |= said
    if process.returncode != 0:
        sys.exit(f"the run ended after {len(run.records)} updates; see above what its worker said")
    place.unlink(missing_ok=True)
    wall_s = before_s + time.monotonic() - began
    engine = f"Node.js {version}, the page's workers, {members} of them"
    return TabRun(recipe, run.records, found["evaluation"], base64.b64decode(found["policy"]), wall_s, engine)


def _report(records: Sequence[Mapping[str, Any]]) -> None:
    last = records[-1]
    if len(records) % REPORT_UPDATES == 0:
        names = ("steps", "return_mean", "length_mean", "fall_rate", "distance_mean", "action_std", "kl")
        print("  ".join(f"{name} {last[name]:.5g}" for name in names if last[name] is not None), flush=True)
