"""Links: what is shared in one page plays or waits in another, and nothing in a link runs by itself."""

from __future__ import annotations

import base64
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tabrl_py.policy import load_policy
from tabrl_py.policy.link import SharedPolicy, policy_link, read_link, recipe_link
from tabrl_py.tasks import get_task
from tabrl_py.tasks.recipes import default_recipe
from tests.browser.conftest import OpenLab
from tests.browser.lab import BOOT_MS, PENDULUM
from tests.browser.views_seen import Seen, told
from tests.links.corpus import HOSTILE, REWARD
from tests.links.page import POLICIES
from tests.servers import served_plainly

pytestmark = pytest.mark.browser

PHONE = (390, 844)
HEAD = 5
"""Bytes of a link before its deflated data: version and checksum (docs/formats.md)."""
TASK = "InvertedPendulum-v5"
AMBER = "rgb(255, 180, 84)"
COLOURS = """selectors => selectors.map((selector) =>
  getComputedStyle(document.querySelector(selector)).backgroundColor)"""
PWNED = "() => window.pwned === undefined && document.querySelector('img[src=x], .panel script') === null"


def link_of(name: str, title: str) -> str:
    (path,) = [path for path in POLICIES if path.stem == name]
    return policy_link(load_policy(path.read_bytes()), title, "PPO, trained in the tab")


def shared_address(page: Page) -> str:
    page.locator(".share-sheet button:text-is('Copy link'):enabled").wait_for(timeout=BOOT_MS)
    return page.locator("#share-link").input_value()


def test_a_browser_refuses_what_comes_after_the_data(open_lab: OpenLab, isolated_url: str) -> None:
    """The stream of tests/links/link_page.mjs, which runs in Node.js, does as this one does."""
    link = recipe_link(default_recipe(get_task(TASK)), "Pendulum")
    raw = base64.urlsafe_b64decode(link[3:] + "=" * (-len(link[3:]) % 4))
    longer = raw[HEAD:] + b"more"
    forged = raw[:1] + zlib.crc32(longer).to_bytes(4, "little") + longer
    given = [link, link[:3] + base64.urlsafe_b64encode(forged).decode().rstrip("=")]
    page = open_lab(isolated_url).page
    said = page.evaluate(
        """async (links) => {
          const { unwrap } = await import(new URL("links/envelope.js", location.href).href);
          return Promise.all(links.map((link) => unwrap(link).then(() => "", (error) => String(error))));
        }""",
        given,
    )
    assert said[0] == ""
    assert "LinkError" in said[1]
    assert "does not unpack" in said[1]


def test_a_policy_is_shared_and_plays_on_a_phone(
    open_lab: OpenLab, isolated_url: str, artifacts: Path
) -> None:
    lab = open_lab(isolated_url, size=(1440, 900))
    lab.wait_watch("playing")
    lab.page.click("#share-shown")
    address = shared_address(lab.page)
    before, after = (
        float(lab.page.locator(f"[data-figure=fitness-{name}]").evaluate("each => each.value"))
        for name in ("before", "after")
    )
    assert after == pytest.approx(before, rel=0.02)
    assert isinstance(read_link(address), SharedPolicy)
    phone = open_lab(address, size=PHONE, phone=True)
    phone.wait_watch("playing")
    phone.wait_frames(5)
    chosen = phone.page.locator(".policy:has(:checked)")
    assert "from a link" in chosen.inner_text()
    assert phone.notices() == []
    phone.page.screenshot(path=artifacts / "link-opened-390x844.png")
    phone.page.click("#share-shown")
    shared_address(phone.page)
    phone.page.screenshot(path=artifacts / "share-390x844.png")


def test_a_name_in_a_link_is_a_text(open_lab: OpenLab, isolated_url: str, artifacts: Path) -> None:
    lab = open_lab(isolated_url + link_of("hopper", HOSTILE), size=(1440, 900))
    lab.wait_watch("playing")
    lab.wait_frames(5)
    assert HOSTILE in lab.page.locator(".policy:has(:checked)").inner_text()
    assert lab.page.evaluate(PWNED)
    seen = Seen(lab.page, artifacts, "link-")
    seen.look("policy")
    assert seen.faults == {}, told(seen.faults)
    # The robots of a phone are not behind the name.
    lab.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    line = lab.page.locator("#stage[data-drawn=space] .stage-line")
    assert line.evaluate("each => each.clientHeight / parseFloat(getComputedStyle(each).lineHeight)") < 2.2
    assert line.evaluate("each => each.scrollHeight > each.clientHeight"), "the name is short"


def test_a_recipe_waits_for_the_press(open_lab: OpenLab, isolated_url: str, artifacts: Path) -> None:
    reward = f"# {HOSTILE}\n{REWARD.replace('s.upright', 's.alive')}"
    recipe = replace(default_recipe(get_task(TASK), "ppo", {**PENDULUM, "total_steps": 1024}), reward=reward)
    lab = open_lab(isolated_url, size=(1440, 900))
    lab.wait_watch("playing")
    # The page is open already: the address alone changes.
    lab.page.evaluate("fragment => { location.hash = fragment; }", recipe_link(recipe, HOSTILE))
    card = lab.page.locator(".shared-recipe")
    card.wait_for()
    assert HOSTILE in card.locator(".shared-name").inner_text()
    assert reward.strip() in card.locator(".shared-code").inner_text()
    lab.page.wait_for_timeout(1500)
    assert lab.panel("train").get_attribute("data-state") == "idle"
    assert lab.page.evaluate(PWNED)
    seen = Seen(lab.page, artifacts, "link-")
    seen.look("recipe")
    assert seen.faults == {}, told(seen.faults)
    # One button stands out, the card's own.
    assert lab.page.evaluate(COLOURS, ["#train-shared"])[0] == AMBER
    assert lab.page.evaluate(COLOURS, ["#train"])[0] != AMBER
    lab.page.click("#train-shared")
    lab.page.wait_for_function("() => document.querySelector('#panel-train').dataset.state !== 'idle'")
    assert card.count() == 0
    assert "#" not in lab.page.url


def test_a_recipe_that_is_put_aside_gives_the_form_its_button_back(
    open_lab: OpenLab, isolated_url: str
) -> None:
    lab = open_lab(isolated_url + recipe_link(default_recipe(get_task(TASK)), "Pendulum"))
    lab.page.locator(".shared-recipe").wait_for()
    assert lab.page.evaluate(COLOURS, ["#train"])[0] != AMBER
    lab.page.get_by_role("button", name="Put aside").click()
    # Colours of buttons take a moment.
    lab.page.wait_for_function(f"() => ({COLOURS})(['#train'])[0] === '{AMBER}'")


def test_a_run_is_shared_as_its_recipe(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.train(TASK, {**PENDULUM, "total_steps": 1024, "seed": 7})
    lab.wait_run("finished")
    lab.press("Copy link")
    lab.page.locator(".share-kinds label:has(input[value=recipe])").click()
    lab.page.wait_for_function("() => /#r=/.test(document.querySelector('#share-link').value)")
    address = lab.page.locator("#share-link").input_value()
    expected = default_recipe(get_task(TASK), "ppo", {**PENDULUM, "total_steps": 1024, "seed": 7})
    shared = read_link(address)
    assert not isinstance(shared, SharedPolicy)
    assert shared.recipe == expected


def with_more(link: str) -> str:
    """A link whose deflated data is followed by one more byte, under a checksum that is right."""
    text = link.removeprefix("#p=")
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    packed = raw[5:] + b"\0"
    raw = raw[:1] + zlib.crc32(packed).to_bytes(4, "little") + packed
    return "#p=" + base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize(
    "fragment",
    ["#p=abc", "#r=", "#p=%00", "#q=AAAA", pytest.param(with_more(link_of("hopper", "Hop")), id="more")],
)
def test_a_bad_link_is_one_message_and_the_page_is_as_always(
    open_lab: OpenLab, isolated_url: str, fragment: str
) -> None:
    lab = open_lab(isolated_url + fragment)
    lab.wait_watch("playing")
    lab.wait_frames(3)
    assert lab.notices() == ["This link cannot be opened"]


def test_an_embedded_page_shows_robots_alone_and_rests_out_of_sight(
    open_lab: OpenLab, isolated_url: str
) -> None:
    lab = open_lab(isolated_url.rstrip("/") + "/?embed=1" + link_of("hopper", "Hop"))
    lab.wait_watch("playing")
    lab.wait_frames(3)
    shown = "each => each.checkVisibility()"
    for part in (".topbar", ".inspector", ".overlay-transport"):
        assert not lab.page.locator(part).first.evaluate(shown), part
    assert lab.page.locator("#stage").evaluate(shown)


HOST = """<!doctype html><title>Another page</title><link rel="icon" href="data:,">
<iframe src="{address}" width="640" height="360"></iframe><p style="height: 5000px">Text</p>"""


def test_a_frame_of_another_page_rests_while_scrolled_away(
    open_lab: OpenLab, isolated_url: str, tmp_path: Path
) -> None:
    address = isolated_url.rstrip("/") + "/?embed=1" + link_of("hopper", "Hop")
    (tmp_path / "index.html").write_text(HOST.format(address=address))
    with served_plainly(tmp_path) as elsewhere:
        lab = open_lab(elsewhere + "/")
        watch = lab.page.frame_locator("iframe").locator("#panel-watch")
        for scrolled, state in ((0, "playing"), (4000, "paused"), (0, "playing")):
            lab.page.evaluate("y => scrollTo(0, y)", scrolled)
            lab.page.wait_for_timeout(300)
            expect(watch).to_have_attribute("data-state", state, timeout=BOOT_MS)
