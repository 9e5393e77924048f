"""What a picture of stick figures costs the page's main thread: `./build.sh bench frame`.

Draws resting humanoids as stick figures, a new frame each time, in headless Chromium; ms of drawing code per
picture (canvas calls included, compositing not). More than 100 are a field: the page hands each frame to a
worker, whose own painting stands beside it.
"""

import json
import statistics

from playwright.sync_api import Page, sync_playwright

from benchmarks import _results
from tests.browser.test_views_field import FIELD
from tests.browser.test_views_figures import GRID
from tests.browser.views_page import views_page
from tests.conftest import CHROMIUM_FLAGS
from tests.servers import served
from wasm.build import browser as chromium_finder
from wasm.build import dist

COUNTS = (12, 64, 100)
MANY = (1000, 4000)
PICTURES = 200
TIMES = """async (pictures) => {
  const times = [];
  for (let i = 0; i < pictures; i++) {
    grid.setFrame(frame());
    await picture();
    times.push(grid.draw_ms);
  }
  return times;
}"""
FIELD_TIMES = """async (pictures) => {
  const times = [];
  for (let i = 0; i < pictures; i++) {
    const next = frame();
    const began = performance.now();
    field.setFrame(next);
    const handed = performance.now() - began;
    await picture();
    times.push([handed + field.draw_ms, field.painted_ms]);
  }
  return times;
}"""


def as_it_is(_page: Page, url: str) -> str:
    """The project's own server isolates the page: nothing to prepare."""
    return url


def main() -> None:
    """Measure, print a table and a line of JSON."""
    chromium = chromium_finder.require_chromium()
    built = dist.build()
    figures: dict[str, float] = {}
    painted: dict[int, float] = {}
    print(f"{'robots':>7} {'median ms':>10} {'p95 ms':>8} {'painted ms':>11}")
    with served(built) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        with views_page(browser, f"{address}/", built, as_it_is) as page:
            for count in COUNTS:
                page.evaluate(GRID, ["house_position", count])
                times = page.evaluate(TIMES, PICTURES)
                median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
                figures[f"ms_{count}"] = round(median, 2)
                print(f"{count:>7} {median:>10.2f} {p95:>8.2f}")
        with views_page(browser, f"{address}/", built, as_it_is, (1440, 900)) as page:
            for count in MANY:
                page.evaluate(FIELD, ["house_position", count, None])
                pairs = page.evaluate(FIELD_TIMES, PICTURES // 2)
                times = [page_ms for page_ms, _ in pairs]
                median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
                figures[f"ms_{count}"] = round(median, 2)
                painted[count] = statistics.median(worker_ms for _, worker_ms in pairs)
                print(f"{count:>7} {median:>10.2f} {p95:>8.2f} {painted[count]:>11.1f}")
        browser.close()
    lines = ["| robots | median ms per picture | painted by the worker, ms |", "|---:|---:|---:|"]
    lines += [f"| {count} | {figures[f'ms_{count}']:.2f} | |" for count in COUNTS]
    lines += [f"| {count} | {figures[f'ms_{count}']:.2f} | {painted[count]:.1f} |" for count in MANY]
    _results.write("frame", "./build.sh bench frame", "\n".join(lines) + "\n", {"figures": figures})
    print(json.dumps({"bench": "frame", "figures": figures}))


if __name__ == "__main__":
    main()
