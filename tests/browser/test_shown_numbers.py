"""Numbers as they are shown: signs, units, and the same one in two places."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import OpenLab
from tests.browser.views_page import views_page
from tests.conftest import Prepare

pytestmark = pytest.mark.browser

FORMATTED = """async () => {
  const { fixed, measure } = await import("./panels/format.js");
  const { returnWords } = await import("./views/grid_captions.js");
  const { gainWords } = await import("./panels/ask/member_card.js");
  const parent = { fitness: 0.535, index: 1, generation: 1 };
  return [
    fixed(-0.04, 1), fixed(-7.4, 0), fixed(0.96, 1), fixed(-0, 2), measure(-0.0004, 3), measure(-12.345),
    returnWords(-43.04, false), returnWords(-0.02, true), returnWords(-100.4, false),
    gainWords({ fitness: 0.088 }, parent), gainWords({ fitness: 0.6 }, parent), gainWords(parent, null),
  ];
}"""
COUNTED = """async () => {
  const { PictureRate } = await import("./views/picture_rate.js");
  const rate = new PictureRate(0);
  // One picture every two seconds, then sixty in one, then none.
  return [[0, 1000], [1, 2000], [1, 3000], [2, 4000], [62, 5000], [62, 6000], [62, 9999], [62, 10000]]
    .map(([pictures, now_ms]) => rate.count(pictures, now_ms));
}"""
BOTH_SPEEDS = """async (pairs) => {
  const [above, below] = [document.getElementById("speed-read"), document.querySelector(".speed-measured")];
  const told = [];
  const keep = () => told.push([above.textContent, below.textContent]);
  const watch = new MutationObserver(keep);
  watch.observe(below, { childList: true, characterData: true, subtree: true });
  for (let faster = 0; faster < 3; faster++)
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "+", bubbles: true }));
  while (told.length < pairs) await new Promise((resolve) => setTimeout(resolve, 50));
  watch.disconnect();
  return told;
}"""
FITS = "each => each.scrollHeight <= each.clientHeight && each.getBoundingClientRect().bottom <= innerHeight"


def speed(words: str) -> float:
    """The number of times in some words."""
    found = re.search(r"([\d.]+)x", words)
    assert found is not None, words
    return float(found[1])


def test_minus_signs_are_true_and_zeros_have_none(
    chromium: Browser, isolated_url: str, built_page: Path, prepare: Prepare
) -> None:
    with views_page(chromium, isolated_url, built_page, prepare) as page:
        assert page.evaluate(FORMATTED) == [
            *("0.0", "\u22127", "1.0", "0.00", "0.000", "\u221212.35"),
            *("\u221243.0", "return 0.0", "\u2212100"),
            *("0.447 below B1", "0.065 above B1", ""),
        ]


def test_few_pictures_are_not_none(
    chromium: Browser, isolated_url: str, built_page: Path, prepare: Prepare
) -> None:
    with views_page(chromium, isolated_url, built_page, prepare) as page:
        assert page.evaluate(COUNTED) == [0, 0.5, 0.5, 0.5, 60, 60, 60, 0]


def test_the_speed_of_the_robots_is_one_number_in_both_places(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.wait_watch("playing")
    lab.page.click("#stage-tools [data-mode=figures]")
    lab.page.locator(".speed-measured", has_text="x").wait_for()
    for above, below in lab.page.evaluate(BOTH_SPEEDS, 12):
        # The top bar has two digits.
        assert speed(above) == pytest.approx(speed(below), rel=0.06), (above, below)


def test_the_list_of_keys_is_seen_whole_and_closed_from_where_it_begins(
    open_lab: OpenLab, isolated_url: str
) -> None:
    lab = open_lab(isolated_url, size=(1024, 768))
    page = lab.page
    lab.wait_watch("playing")
    page.click("#show-keys")
    sheet = page.locator("#keys-dialog")
    expect(sheet).to_be_visible()
    assert sheet.evaluate(FITS)
    page.set_viewport_size({"width": 390, "height": 700})
    assert not sheet.evaluate(FITS)
    close = sheet.get_by_role("button", name="Close")
    expect(close).to_be_in_viewport(ratio=1)
    assert sheet.evaluate("each => each.scrollTop") == 0
    close.click()
    expect(sheet).to_be_hidden()


def test_an_episode_of_a_changed_world_is_not_said_to_be_pushed(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.wait_watch("playing")
    lab.page.select_option("#world-gravity", "0.165")
    rows = lab.panel("watch").locator("table.episodes tbody tr")
    rows.first.wait_for(timeout=90_000)
    expect(rows.first.locator("td").last).to_have_text(re.compile("^(fell|time), disturbed$"))
    expect(lab.panel("watch")).to_contain_text(re.compile(r"disturbed episodes? left out"))
