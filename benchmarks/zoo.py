"""The policies that come with the page, each trained in the page itself: `./build.sh zoo NAME`.

Opens the built page in headless Chromium, chooses the task, presses Train and waits for the end. The same
recipe gives the same weights, so a run repeats the shipped policy or says that it does not. With --ship the
policy, its curve and its evaluation replace those in web/policies/ and benchmarks/results/zoo/. With --node
the page's workers train in Node.js in place of a browser, to the same bytes; such a run, interrupted, goes on
when it is asked for again.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks._node import train_in_node
from benchmarks._results import machine
from benchmarks._tab import TabRun, open_page, train, write_curve
from tabrl_py.policy import load_policy, save_policy
from tabrl_py.tasks import get_task
from tabrl_py.tasks.recipes import default_recipe

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "zoo"
POLICIES = ROOT / "web" / "policies"


@dataclass(frozen=True)
class Entry:
    """How one policy is made: a task's default recipe, and what differs from it.

    Attributes:
        task: its task.
        settings: by dotted name, as the page's form shows them.
        algorithm: as in the recipe.
    """

    task: str
    settings: Mapping[str, object] = field(default_factory=dict)
    algorithm: str = "ppo"


ZOO = {
    "humanoid-walk": Entry("humanoid-walk", {"seed": 2}),
    "humanoid-stand": Entry("humanoid-stand"),
    "humanoid-run": Entry("humanoid-run", {"seed": 2}),
    "humanoid-command": Entry("humanoid-command"),
    "humanoid-getup": Entry("humanoid-getup"),
    "walker": Entry("Walker2d-v5"),
    "hopper": Entry("Hopper-v5"),
    "half-cheetah": Entry("HalfCheetah-v5"),
    "ant": Entry("Ant-v5"),
}


def same_weights(run: TabRun, shipped: Path) -> bool | None:
    """Whether a run gave the shipped policy's weights and normaliser; None where nothing is shipped."""
    if not shipped.is_file():
        return None
    new, old = load_policy(run.policy), load_policy(shipped.read_bytes())
    pairs = [(new.params, old.params), (new.obs_mean, old.obs_mean), (new.obs_var, old.obs_var)]
    return all(np.array_equal(a, b) if a is not None and b is not None else a is b for a, b in pairs)


def ship(name: str, run: TabRun, figures: dict[str, object]) -> None:
    """Put a policy where the page's Watch room lists it, and its curve and evaluation beside the results."""
    assert save_policy(load_policy(run.policy)) == run.policy, "the policy must survive a round trip"
    (POLICIES / f"{name}.safetensors").write_bytes(run.policy)
    index = POLICIES / "index.json"
    entries = json.loads(index.read_text()) if index.exists() else []
    title = get_task(run.recipe.task).title
    entry = {"file": f"{name}.safetensors", "task": run.recipe.task, "title": title}
    files = [f"{each}.safetensors" for each in ZOO]
    kept = [each for each in entries if each["file"] != entry["file"] and each["file"] in files]
    ordered = sorted([*kept, entry], key=lambda each: files.index(each["file"]))
    index.write_text(json.dumps(ordered, indent=2) + "\n")
    RESULTS.mkdir(parents=True, exist_ok=True)
    write_curve(RESULTS / f"{name}.csv", run)
    report = {
        "zoo": name,
        "figures": figures,
        "evaluation": run.evaluation,
        "recipe": run.recipe.to_json(),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {**machine(), "browser": run.browser},
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")


def main() -> None:
    """Train one policy of the zoo in the page, compare it with the shipped one, or ship it."""
    parser = argparse.ArgumentParser(
        prog="./build.sh zoo", description="Train a policy of the zoo in the page."
    )
    parser.add_argument("name", choices=list(ZOO))
    parser.add_argument("--seed", type=int, help="another training seed than the shipped policy's")
    parser.add_argument("--steps", type=int, help="another number of steps, to try")
    parser.add_argument(
        "--ship", action="store_true", help="replace the shipped policy, its curve and figures"
    )
    parser.add_argument("--out", type=Path, help="write the policy file here")
    parser.add_argument("--limit-s", type=float, default=7200.0)
    parser.add_argument("--node", type=int, metavar="WORKERS", help="train in Node.js, with so many workers")
    options = parser.parse_args()
    entry = ZOO[options.name]
    changes = {"seed": options.seed, "total_steps": options.steps}
    settings = {**entry.settings, **{name: value for name, value in changes.items() if value is not None}}
    if options.node is not None:
        run = train_in_node(default_recipe(get_task(entry.task), entry.algorithm, settings), options.node)
    else:
        with open_page() as (page, browser):
            run = train(page, browser, entry.task, entry.algorithm, settings, options.limit_s)
    figures = run.figures()
    same = same_weights(run, POLICIES / f"{options.name}.safetensors")
    if options.out:
        options.out.write_bytes(run.policy)
    for name, value in figures.items():
        print(f"{name:>24}  {value}")
    if options.ship:
        ship(options.name, run, figures)
    elif same is None:
        print("no policy of this name is shipped yet")
    else:
        print("the shipped policy's weights, bit for bit" if same else "NOT the shipped policy's weights")
    print(json.dumps({"zoo": options.name, "figures": {**figures, "same_as_shipped": same}}))
    sys.exit(0 if options.ship or same is not False or changes != {"seed": None, "total_steps": None} else 1)


if __name__ == "__main__":
    main()
