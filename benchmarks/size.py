"""What the page costs over the wire: `./build.sh bench size`.

Megabytes (10^6 bytes, heads of answers included) that headless Chromium reports for a first visit, workers
and all: until the first robots have moved, and until the first update of PPO is shown. The project's server
sends brotli copies.
"""

import json
from collections import Counter
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Request, sync_playwright

from benchmarks import _results
from benchmarks._page import FIRST_ROBOT, FIRST_UPDATE, fresh_browser, when
from tests.servers import served
from wasm.build import browser as chromium_finder
from wasm.build import dist

KINDS = {"mb_first_robot": ("firstRobot", FIRST_ROBOT), "mb_first_update": ("firstUpdate", FIRST_UPDATE)}
ROWS = 12


def bytes_of(request: Request) -> int:
    """What an answer took, head and body, as the browser counted it."""
    sizes = request.sizes()
    return max(0, sizes["responseBodySize"]) + max(0, sizes["responseHeadersSize"])


def ended_ms(request: Request) -> float:
    """When an answer was complete, in ms since 1970."""
    timing = request.timing
    return float(timing["startTime"] + max(0.0, timing["responseEnd"]))


def visit(context: BrowserContext, address: str, mark: str, script: str) -> dict[str, int]:
    """Bytes of each file until `mark`, in a first visit, the largest first."""
    page = context.new_page()
    finished: list[Request] = []
    page.on("requestfinished", lambda request: finished.append(request))
    page.add_init_script(script)
    page.goto(f"{address}/", wait_until="commit")
    seconds = when(page, mark)
    origin: float = page.evaluate("performance.timeOrigin")
    counted: Counter[str] = Counter()
    for request in tuple(finished):
        if ended_ms(request) <= origin + 1000.0 * seconds:
            counted[urlsplit(request.url).path.lstrip("/") or "index.html"] += bytes_of(request)
    return dict(counted.most_common())


def _table(first: dict[str, int], update: dict[str, int]) -> str:
    """The largest files, the others together, and all."""
    shown = list(update)[:ROWS]
    rows = [(PurePosixPath(path).name, first.get(path, 0), update[path]) for path in shown]
    before, after = (
        sum(size for path, size in each.items() if path not in shown) for each in (first, update)
    )
    rows += [("others", before, after), ("all", sum(first.values()), sum(update.values()))]
    lines = ["| file | kB until the first robot | kB until the first update |", "|---|---:|---:|"]
    lines += [f"| {name} | {robot / 1e3:.0f} | {learned / 1e3:.0f} |" for name, robot, learned in rows]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print a table and a line of JSON."""
    chromium = chromium_finder.require_chromium()
    figures: dict[str, float] = {}
    files: dict[str, dict[str, int]] = {}
    with served(dist.build()) as address, sync_playwright() as playwright:
        for name, (mark, script) in KINDS.items():
            with fresh_browser(playwright, chromium) as context:
                files[name] = visit(context, address, mark, script)
            figures[name] = round(sum(files[name].values()) / 1e6, 3)
    table = _table(files["mb_first_robot"], files["mb_first_update"])
    print(table)
    _results.write("size", "./build.sh bench size", table, {"figures": figures, "files": files})
    print(json.dumps({"bench": "size", "figures": figures}))


if __name__ == "__main__":
    main()
