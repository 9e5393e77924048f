"""What a policy loses in a share link, and how long the link is: `./build.sh bench links`.

Every shipped policy goes into a link and comes out again, by Python; the page's link has the same bytes in
it (tests/links). Both policies then run the same 10 evaluation seeds natively, and are judged by the task's
own fitness.

- `house_chars`: characters of the fragment that carries the policy which walks.
- `worst_loss_percent`: the most fitness that a shipped policy loses with 8-bit weights.
- `fuzz_links`, `fuzz_faults` (with --fuzz N): so many links, half of them cut, changed or forged at random,
  half found by a small coverage-guided fuzzer of our own, are read by Python and by the page's code in
  Node.js; a fault is any error but the one for bad links, a link that only one of the two accepts, and one
  that takes over 100 ms.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks import _results
from tabrl_py.policy import Policy, load_policy
from tabrl_py.policy.link import SharedPolicy, policy_link, read_link, recipe_link
from tabrl_py.rewards.measure import measure_fitness
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task, with_signals
from tabrl_py.tasks.recipes import default_recipe
from tests.links.comparison import compare
from tests.links.corpus import cases
from tests.links.guided import guided_cases
from tests.links.page import POLICIES, LinkPage

SEEDS = range(10)
HOUSE = "humanoid-walk"
MADE = "PPO, seed 1, 2.50M steps"


@dataclass(frozen=True)
class Row:
    """One shipped policy: the lengths of its links, its fitness before and after."""

    name: str
    parameters: int
    chars: int
    chars_f16: int
    chars_recipe: int
    fitness: float
    fitness_int8: float
    fitness_f16: float

    @property
    def loss_percent(self) -> float:
        """Fitness lost with 8-bit weights; negative where there was a gain."""
        return 100.0 * (self.fitness - self.fitness_int8) / abs(self.fitness)


def fitness_of(policy: Policy) -> float:
    """By its task's own fitness, on the evaluation seeds."""
    task = get_task(policy.task)
    sim = NativeBatchSim(with_signals(task), len(SEEDS))
    return measure_fitness(policy, task, "", sim, SEEDS).fitness


def measured(path: Path) -> Row:
    """The row of one policy."""
    policy = load_policy(path.read_bytes())
    title = get_task(policy.task).title
    links = [policy_link(policy, title, MADE, precision=precision) for precision in ("int8", "f16")]
    shared = [read_link(link) for link in links]
    assert isinstance(shared[0], SharedPolicy)
    assert isinstance(shared[1], SharedPolicy)
    return Row(
        path.stem,
        policy.params.size,
        len(links[0]),
        len(links[1]),
        len(recipe_link(default_recipe(get_task(policy.task)), title)),
        fitness_of(policy),
        fitness_of(shared[0].policy),
        fitness_of(shared[1].policy),
    )


def fuzz(count: int) -> dict[str, Any]:
    """Read that many links in Python and in the page's code."""
    with tempfile.TemporaryDirectory() as folder:
        page = LinkPage(Path(folder))
        try:
            half = count // 2
            verdicts = compare(chain(cases(count - half, seed=1), guided_cases(half, seed=2)), page)
        finally:
            page.close()
    for fault in verdicts.faults[:20]:
        print(fault)
    return {
        "fuzz_links": verdicts.links,
        "fuzz_accepted": verdicts.accepted,
        "fuzz_faults": len(verdicts.faults),
        "fuzz_slowest_ms_python": round(verdicts.slowest_ms[0], 1),
        "fuzz_slowest_ms_page": round(verdicts.slowest_ms[1], 1),
    }


def table_of(rows: list[Row], fuzzed: dict[str, Any]) -> str:
    """The results as Markdown."""
    lines = [
        "| policy | parameters | link, characters | with 16 bits | recipe | fitness | from the link | lost "
        "| with 16 bits |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.name} | {row.parameters} | {row.chars} | {row.chars_f16} | {row.chars_recipe} "
        f"| {row.fitness:.4f} | {row.fitness_int8:.4f} | {row.loss_percent:.2f} % | {row.fitness_f16:.4f} |"
        for row in rows
    ]
    if fuzzed:
        lines += [
            "",
            f"{fuzzed['fuzz_links']} links, most of them cut, changed or forged: {fuzzed['fuzz_accepted']} "
            f"were read, {fuzzed['fuzz_faults']} faults; the slowest took "
            f"{fuzzed['fuzz_slowest_ms_python']} ms in Python, {fuzzed['fuzz_slowest_ms_page']} ms in the "
            "page's code.",
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print a table and a line of JSON."""
    parser = argparse.ArgumentParser(prog="./build.sh bench links")
    parser.add_argument("--fuzz", type=int, default=0, metavar="N", help="read N wrong links too")
    options = parser.parse_args()
    rows = [measured(path) for path in POLICIES]
    fuzzed = fuzz(options.fuzz) if options.fuzz else {}
    figures = {
        "house_chars": next(row.chars for row in rows if row.name == HOUSE),
        "longest_chars": max(row.chars for row in rows),
        "worst_loss_percent": round(max(row.loss_percent for row in rows), 3),
        **fuzzed,
    }
    table = table_of(rows, fuzzed)
    print(table)
    command = f"./build.sh bench links{f' --fuzz {options.fuzz}' if options.fuzz else ''}"
    record = {"figures": figures, "policies": [vars(row) for row in rows]}
    _results.write("links", command, table, record)
    print(json.dumps({"bench": "links", "figures": figures}))


if __name__ == "__main__":
    main()
