"""Everything is reached by the keyboard and shows it; nothing but robots moves where no motion is wanted.

What axe-core says of every view is asked where the views are: `views_seen.py`.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.ask_lab import AskLab
from tests.browser.conftest import OpenLab
from tests.browser.lab import BOOT_MS
from tests.browser.test_own_robots import drop, wait_proposed
from tests.parity.own_robots import FIXTURES, zipped_folder

pytestmark = pytest.mark.browser

REACHABLE = """() => {
  const kinds = "button, select, input, textarea, summary, a[href], [tabindex='0'], .cm-content";
  const within = document.querySelector("dialog[open]") ?? document;
  return [...within.querySelectorAll(kinds)].filter((each) => {
    if (each.disabled || each.closest("[inert]") || each.type === "file") return false;
    if (!each.checkVisibility({ visibilityProperty: true })) return false;
    // Of a group of radio buttons or tabs the keyboard stops at one; arrow keys go on.
    if (each.matches("[role=tab][tabindex='-1']")) return false;
    if (each.type === "radio" && !each.checked) return !document.querySelector(
      `input[type=radio][name="${CSS.escape(each.name)}"]:checked`);
    return true;
  }).map((each) => {
    each.dataset.reach ??= String(globalThis.reached = (globalThis.reached ?? 0) + 1);
    return [each.dataset.reach, each.outerHTML.slice(0, 160)];
  });
}"""
FOCUSED = """() => {
  const at = document.activeElement;
  const ring = (each) => each !== null && getComputedStyle(each).outlineStyle !== "none";
  const marked = [at, at.closest("label, .cm-editor"), at.nextElementSibling, at.parentElement].some(ring);
  return [at.dataset.reach ?? null, at === document.body || marked, at.outerHTML.slice(0, 160)];
}"""
MOVING = """() => document.getAnimations().filter((each) => each.playState === "running")
  .map((each) => `${each.effect?.target?.outerHTML.slice(0, 120)}`)"""


def tabbed_through(page: Page) -> list[str]:
    """What the Tab key does not reach, or what does not show that it has the focus."""
    wanted: dict[str, str] = dict(page.evaluate(REACHABLE))
    page.evaluate("document.activeElement.blur()")
    faulty = []
    for _ in range(3 * len(wanted) + 20):
        if page.evaluate("document.activeElement.matches('.cm-content')"):
            # Where one writes code Tab indents; this is how one leaves.
            page.keyboard.press("Escape")
        page.keyboard.press("Tab")
        mark, visible, words = page.evaluate(FOCUSED)
        if mark in wanted and not visible:
            faulty.append(f"shows no focus: {words}")
        wanted.pop(mark, None)
        if not wanted:
            break
    return faulty + [f"not reached: {words}" for words in wanted.values()]


def press(page: Page, selector: str, key: str = "Enter") -> None:
    """Press a key on an element: what a person does who has come to it by the Tab key."""
    page.locator(selector).focus()
    page.keyboard.press(key)


def test_the_keyboard_reaches_everything(open_lab: OpenLab, isolated_url: str) -> None:
    lab = AskLab(open_lab(isolated_url).page)
    lab.wait_watch("playing")
    lab.page.locator("#view-3d canvas").wait_for(state="visible")
    assert tabbed_through(lab.page) == [], "Watch"
    press(lab.page, "#share-shown")
    lab.page.locator(".share-sheet button:text-is('Copy link'):enabled").wait_for(timeout=BOOT_MS)
    assert tabbed_through(lab.page) == [], "the sheet of links"
    lab.page.keyboard.press("Escape")
    assert lab.page.evaluate("document.activeElement.id") == "share-shown"
    lab.page.keyboard.press("v")
    press(lab.page, "#grid-canvas")
    lab.page.locator("#look-inside").wait_for()
    lab.page.keyboard.press("i")
    lab.page.locator("#inside .inside-row").first.wait_for()
    assert tabbed_through(lab.page) == [], "inside one robot"
    press(lab.page, "#tab-watch", "ArrowRight")
    lab.panel("train").locator("#train").wait_for()
    press(lab.page, "#panel-train details.group > summary")
    assert tabbed_through(lab.page) == [], "settings"
    press(lab.page, "#train")
    lab.wait_updates(1, timeout_s=BOOT_MS / 1000)
    assert tabbed_through(lab.page) == [], "a run"
    press(lab.page, "#panel-train button:text-is('Stop')")
    lab.wait_run("stopped")
    press(lab.page, "#tab-train", "ArrowRight")
    lab.page.locator("#brief-text").wait_for()
    assert tabbed_through(lab.page) == [], "Ask Claude"
    press(lab.page, "#show-keys")
    assert lab.page.locator("#keys-dialog").is_visible()
    assert tabbed_through(lab.page) == [], "the keys"
    lab.page.keyboard.press("Escape")
    assert not lab.page.locator("#keys-dialog").is_visible()


FOCUS = "() => document.activeElement.id"


def test_the_focus_returns_when_a_sheet_closes(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    page = lab.page
    lab.wait_watch("playing")
    sheets = {"share-shown": ".share-sheet", "show-keys": "#keys-dialog", "own-robot-watch": ".robot-sheet"}
    for opener, sheet in sheets.items():
        for leave in ("Escape", "Close"):
            press(page, f"#{opener}")
            page.locator(f"{sheet}[open]").wait_for(timeout=BOOT_MS)
            assert page.evaluate("sheet => document.activeElement.closest(sheet) !== null", sheet), sheet
            if leave == "Escape":
                page.keyboard.press("Escape")
            else:
                press(page, f"{sheet} button:text-is('Close')")
            page.locator(sheet).wait_for(state="hidden")
            assert page.evaluate(FOCUS) == opener, f"{sheet} closed by {leave}"
    press(page, "#record > summary")
    assert page.locator(".record-choice").first.is_visible()
    assert tabbed_through(page) == [], "the menu that records"
    page.keyboard.press("Escape")
    assert not page.locator(".record-choice").first.is_visible()


def test_the_focus_follows_what_is_looked_at(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    page = lab.page
    lab.wait_watch("playing")
    page.locator("#view-3d canvas").wait_for(state="visible")
    press(page, "#stage-tools [data-mode=figures]")
    page.locator("#grid-canvas").wait_for(state="visible")
    press(page, "#grid-canvas")
    page.locator("#look-inside").wait_for()
    space = "() => document.activeElement.matches('#view-3d canvas')"
    page.wait_for_function(space)
    press(page, ".stage-back")
    page.wait_for_function("() => document.activeElement.id === 'grid-canvas'")
    press(page, "#grid-canvas")
    page.wait_for_function(space)
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.activeElement.id === 'grid-canvas'")
    press(page, "#train-your-own")
    assert page.evaluate(FOCUS) == "tab-train"


def test_the_keyboard_reaches_all_of_somebodys_own_robot(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.wait_watch("playing")
    press(lab.page, "#own-robot-watch")
    lab.page.locator("#choose-robot").wait_for(timeout=BOOT_MS)
    assert tabbed_through(lab.page) == [], "before there is a robot"
    lab.page.set_input_files("#robot-file", FIXTURES / "crawler" / "crawler.xml")
    lab.page.locator(".robot-sheet .setting-problem:not(:empty)").wait_for(timeout=BOOT_MS)
    drop(lab, "crawler.zip", zipped_folder(FIXTURES / "crawler"))
    wait_proposed(lab)
    assert tabbed_through(lab.page) == [], "its choices"
    press(lab.page, "#watch-robot")
    lab.page.wait_for_selector("#panel-watch[data-task^='own-']", timeout=BOOT_MS, state="attached")
    assert lab.page.evaluate(FOCUS) == "own-robot-watch"
    lab.wait_watch("playing")
    press(lab.page, "#own-robot-watch")
    assert tabbed_through(lab.page) == [], "with a robot that is kept"
    press(lab.page, ".robot-list button")
    lab.page.locator(".robot-list").wait_for(state="hidden")
    assert lab.page.evaluate("document.activeElement.closest('.robot-sheet') !== null")


def test_no_motion_but_the_robots(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.page.emulate_media(reduced_motion="reduce")
    lab.page.reload()
    lab.wait_watch("playing")
    assert lab.page.evaluate(MOVING) == []
    lab.enter("train")
    lab.page.locator("details.group > summary").click()
    assert lab.page.evaluate(MOVING) == []
    lab.page.click("#tab-ask")
    lab.page.locator("#brief-text").wait_for()
    assert lab.page.evaluate(MOVING) == []
    lab.enter("watch")
    lab.page.locator("#train-your-own").hover()
    assert lab.page.evaluate(MOVING) == []
