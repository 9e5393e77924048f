"""The curves: what they say is what the records hold, at every width and for every length of run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.views_page import views_page
from tests.conftest import Prepare

pytestmark = pytest.mark.browser

CHARTS = """async () => {
  const { Charts } = await import("./views/charts.js");
  const place = document.getElementById("place");
  window.charts?.destroy();
  place.style.cssText = "inset: 40px 0 auto; height: 164px";
  window.charts = new Charts(place);
  window.record = (update, change = {}) => ({
    update, steps: 1000 * (update + 1), seconds: 2 * (update + 1), return_mean: 10 * update, length_mean: 50,
    fall_rate: 0.25, policy_loss: -0.02, value_loss: 0.5, kl: 0.01, entropy: 3, explained_variance: 0.5,
    steps_per_s: 4000, ...change,
  });
  window.values = () => Object.fromEntries([...document.querySelectorAll(".chart")].map((card) =>
    [card.querySelector("span").textContent, card.querySelector("output").textContent]));
  window.drawn = () => new Promise((done) => setTimeout(done, 250));
}"""


@pytest.fixture
def page(chromium: Browser, isolated_url: str, built_page: Path, prepare: Prepare) -> Iterator[Page]:
    with views_page(chromium, isolated_url, built_page, prepare) as opened:
        opened.evaluate(CHARTS)
        yield opened


def test_values_come_from_the_records(page: Page) -> None:
    page.evaluate("charts.load([record(0), record(1, { return_mean: 10 })]); drawn()")
    values = page.evaluate("values()")
    # The smoothed return starts at its first value, 0, and moves towards 10: w1 = 1/8, w2 = 1 - (7/8)^2.
    assert values["Return"] == f"{10 * 0.125 / (1 - 0.875**2):.2f}"
    assert values["Episode length"] == "50.0 steps"
    assert values["Falls"] == "25.0 %"
    assert values["Speed"] == "4000 steps/s"
    page.evaluate("charts.reset(); drawn()")
    assert set(page.evaluate("values()").values()) == {"\u2013"}


def test_an_update_that_measured_nothing_is_a_gap(page: Page) -> None:
    page.evaluate("""async () => {
      for (let i = 0; i < 5; i++) charts.append(record(i, { return_mean: i === 2 ? null : 7 }));
      await drawn();
    }""")
    assert page.evaluate("charts.charts[0].plot.data.map((row) => [...row])") == [
        [1000, 2000, 3000, 4000, 5000],
        [7, 7, None, 7, 7],
        [7, 7, None, 7, 7],
    ]
    assert page.evaluate("values().Return") == "7.00"


def test_steps_or_time_along_the_axis(page: Page) -> None:
    page.evaluate("charts.load([record(0), record(1)]); charts.setXAxis('time')")
    assert page.evaluate("[...charts.charts[4].plot.data[0]]") == [2, 4]
    page.evaluate("charts.setXAxis('steps')")
    assert page.evaluate("[...charts.charts[4].plot.data[0]]") == [1000, 2000]


def test_one_crosshair_reads_every_chart(page: Page) -> None:
    page.evaluate("charts.load(Array.from({ length: 11 }, (_, i) => record(i, { kl: i / 100 }))); drawn()")
    box = page.locator(".chart .u-over").nth(1).bounding_box()
    assert box is not None
    # x runs from 0 to 11 000 steps; a place near the third record.
    page.mouse.move(box["x"] + box["width"] * 3 / 11, box["y"] + 20)
    page.wait_for_function("() => !document.querySelector('.charts-chip').hidden")
    assert page.locator(".charts-chip").inner_text() == "3000 steps"
    assert page.evaluate("charts.charts.map((chart) => chart.plot.cursor.idx)") == [2] * 9
    shown = page.evaluate("[values().KL, charts.tracks[5].smoothed[2]]")
    assert float(shown[0].split()[0]) == pytest.approx(shown[1], abs=5e-4)
    page.mouse.move(box["x"] + box["width"] / 2, 5)
    page.wait_for_function("() => document.querySelector('.charts-chip').hidden")


def test_the_random_policy_is_always_in_sight(page: Page) -> None:
    page.evaluate("charts.load([record(90), record(91)])")
    page.evaluate("charts.setBaseline({ return_mean: -400, length_mean: 20, fall_rate: 1 }); drawn()")
    low, high, line = page.evaluate(
        "(({ plot, baseline }) => [plot.scales.y.min, plot.scales.y.max, baseline])(charts.charts[0])"
    )
    assert low < -400 == line
    assert high > 900
    assert page.evaluate("charts.charts[2].baseline") == 100
    assert page.evaluate("charts.charts[3].baseline") is None
    page.evaluate("charts.setBaseline(null); drawn()")
    assert page.evaluate("charts.charts[0].plot.scales.y.min") > 0


def test_long_runs_are_thinned_and_keep_their_extremes(page: Page) -> None:
    kept, shown = page.evaluate("""async () => {
      const { thin } = await import("./views/chart_data.js");
      const raw = Array.from({ length: 20000 }, (_, i) => (i % 3 ? Math.sin(i / 500) : null));
      raw[7001] = 99;
      raw[11002] = -99;
      charts.load(raw.map((value, i) => record(i, { return_mean: value })));
      await drawn();
      return [thin(raw, 100), charts.charts[0].plot.data[1].filter((value) => value !== null)];
    }""")
    assert len(kept) <= 202
    assert kept == sorted(set(kept))
    assert {7001, 11002, 19999} <= set(kept)
    assert len(shown) < 600
    assert (max(shown), min(shown)) == (99, -99)


def test_the_empty_state_gives_way_without_moving_anything(page: Page) -> None:
    boxes = (
        "[...document.querySelectorAll('.chart')].map((card) => JSON.stringify(card.getBoundingClientRect()))"
    )
    before = page.evaluate(boxes)
    empty = page.locator(".charts-empty")
    assert empty.evaluate("(each) => getComputedStyle(each).opacity") == "1"
    page.evaluate("charts.append(record(0)); drawn()")
    page.wait_for_timeout(200)
    assert empty.evaluate("(each) => getComputedStyle(each).opacity") == "0"
    assert page.evaluate(boxes) == before


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_fits_every_width(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    if width < 560:
        page.evaluate("document.getElementById('place').style.height = 'auto'")
    page.evaluate("charts.load([record(0), record(1)]); drawn()")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    plots = page.evaluate("""charts.charts.map(({ plot, plotPlace }) =>
      [plot.width - plotPlace.clientWidth, plot.height - plotPlace.clientHeight, plot.width, plot.height])""")
    for wider, higher, plot_width, plot_height in plots:
        assert (wider, higher) == (0, 0)
        assert plot_width >= 150
        assert plot_height >= 100


def test_words_of_numbers(page: Page) -> None:
    said = page.evaluate("""async () => {
      const { clock, short, tick } = await import("./views/chart_data.js");
      return [
        [0, 0.0123, 0.00001, 1.234, 98.76, 12345, 1234567, -0.5].map(short),
        [[0.25, 0.25], [20000, 5000], [2e6, 5e5], [-0.01, 0.005], [50, 25]].map((each) => tick(...each)),
        [9, 75, 3725].map(clock),
      ];
    }""")
    assert said == [
        ["0", "0.012", "1.0e\u22125", "1.23", "98.8", "12.3k", "1.23M", "\u22120.500"],
        ["0.25", "20k", "2M", "\u22120.010", "50"],
        ["9 s", "1:15", "1:02:05"],
    ]
