"""How long the page takes to be of use: `./build.sh bench boot`.

In headless Chromium on this machine, served by the project's own server:

    first_robot_s   from the navigation to the first picture of robots that have moved
    first_update_s  from the navigation to the first update of PPO on show, where Train is pressed as soon as
                    there is a button: the humanoid, with the task's default settings

cold in a browser that has never seen the page, warm in the same browser once more. Medians of several
browsers.
"""

import argparse
import json
import statistics

from playwright.sync_api import BrowserContext, sync_playwright

from benchmarks import _results
from benchmarks._page import FIRST_ROBOT, FIRST_UPDATE, fresh_browser, when
from tests.servers import served
from wasm.build import browser as chromium_finder
from wasm.build import dist

KINDS = {"first_robot": ("firstRobot", FIRST_ROBOT), "first_update": ("firstUpdate", FIRST_UPDATE)}
SETTLE_MS = 3000
"""Before a warm visit the browser gets time to write its caches."""


def visit(context: BrowserContext, address: str, mark: str, script: str) -> float:
    """Open the page once; seconds until `mark`."""
    page = context.new_page()
    page.add_init_script(script)
    page.goto(f"{address}/", wait_until="commit")
    seconds = when(page, mark)
    page.wait_for_timeout(SETTLE_MS)
    page.close()
    return seconds


def main() -> None:
    """Measure, print a table and a line of JSON."""
    parser = argparse.ArgumentParser(prog="./build.sh bench boot", description="How long the page takes.")
    parser.add_argument("--runs", type=int, default=5, help="browsers per kind; 5 unless told")
    runs = parser.parse_args().runs
    chromium = chromium_finder.require_chromium()
    times: dict[str, list[float]] = {}
    with served(dist.build()) as address, sync_playwright() as playwright:
        for kind, (mark, script) in KINDS.items():
            for _ in range(runs):
                with fresh_browser(playwright, chromium) as context:
                    for name in (f"{kind}_s", f"warm_{kind}_s"):
                        times.setdefault(name, []).append(visit(context, address, mark, script))
    figures = {name: round(statistics.median(each), 2) for name, each in times.items()}
    lines = ["| figure | median s | least | most |", "|---|---:|---:|---:|"]
    lines += [f"| {n} | {figures[n]:.2f} | {min(t):.2f} | {max(t):.2f} |" for n, t in times.items()]
    table = "\n".join(lines) + "\n"
    print(table)
    _results.write("boot", "./build.sh bench boot", table, {"figures": figures, "times": times})
    print(json.dumps({"bench": "boot", "figures": figures}))


if __name__ == "__main__":
    main()
