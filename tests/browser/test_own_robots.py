"""A robot that somebody brings: dropped, seen, trained, kept over a reload; a hostile one is one message."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.browser.conftest import OpenLab
from tests.browser.lab import BOOT_MS, Lab
from tests.parity.own_robots import FIXTURES, zipped_folder

pytestmark = pytest.mark.browser

SHEET = ".robot-sheet[open]"
SETTINGS = {"n_envs": 8, "algo.n_steps": 64, "algo.minibatch_size": 128, "total_steps": 1024}


def drop(lab: Lab, name: str, data: bytes) -> None:
    """Drop a file on the page."""
    lab.page.evaluate(
        """([name, base64]) => {
          const bytes = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([bytes], name));
          const options = { dataTransfer, bubbles: true, cancelable: true };
          document.body.dispatchEvent(new DragEvent("drop", options));
        }""",
        [name, base64.b64encode(data).decode()],
    )


def wait_proposed(lab: Lab) -> None:
    lab.page.wait_for_selector(f"{SHEET} #train-robot:enabled", timeout=BOOT_MS)


def shown_task(lab: Lab) -> str:
    return str(lab.panel("watch").get_attribute("data-task"))


def test_a_robot_is_dropped_trained_and_still_there_after_a_reload(
    open_lab: OpenLab, plain_url: str, tmp_path: Path
) -> None:
    lab = open_lab(plain_url)
    lab.wait_watch("playing")
    drop(lab, "crawler.zip", zipped_folder(FIXTURES / "crawler"))
    wait_proposed(lab)
    found = lab.page.inner_text(SHEET)
    assert "4, position targets, torques" in found
    assert "1 mesh is drawn as a box." in found
    assert lab.page.input_value("#robot-reward") == "forward"
    lab.page.fill("#robot-name", "Little crawler")
    lab.page.fill("#robot-time-limit", "200")
    lab.page.press("#robot-time-limit", "Tab")
    lab.page.wait_for_selector(f"{SHEET} .muted:has-text('An episode lasts 4.0 s.')")
    lab.page.click("#watch-robot")
    lab.page.wait_for_selector(
        "#panel-watch[data-task^='own-little-crawler-']", timeout=BOOT_MS, state="attached"
    )
    lab.wait_watch("playing")
    task = shown_task(lab)
    lab.train(task, SETTINGS)
    lab.wait_run("finished")
    lab.press("Watch this policy")
    lab.wait_watch("playing")
    with lab.page.expect_download() as caught:
        lab.press("Export")
    policy = tmp_path / caught.value.suggested_filename
    caught.value.save_as(policy)
    lab.page.reload()
    lab.wait_watch("playing")
    lab.page.wait_for_selector(f"#panel-watch[data-task='{task}']", timeout=BOOT_MS, state="attached")
    lab.enter("train")
    assert "Little crawler" in lab.panel("train").inner_text()
    assert lab.notices() == []
    lab.press("Reset")
    lab.page.locator("#panel-train button:text-is('Reset')").last.click()
    lab.wait_run("idle")
    lab.enter("watch")
    lab.page.click("#own-robot-watch")
    lab.page.locator(f"{SHEET} li:has-text('Little crawler') button").click()
    lab.page.wait_for_selector(f"{SHEET} .robot-list", state="hidden")
    lab.page.keyboard.press("Escape")
    lab.page.set_input_files("#policy-file", policy)
    lab.page.wait_for_selector('.notice:has-text("somebody\'s own robot")')


KEPT_TERMS = """(nameless) => new Promise((resolve, reject) => {
  const opening = indexedDB.open("tabrl-robots");
  opening.onerror = reject;
  opening.onsuccess = () => {
    const database = opening.result;
    const transaction = database.transaction("robots", "readwrite");
    const robots = transaction.objectStore("robots");
    let terms = [];
    robots.getAll().onsuccess = ({ target: { result: [robot] } }) => {
      const { own } = robot.task;
      terms = own.program.filter(([name]) => name === "term").map(([, , term]) => term);
      if (nameless) own.program = own.program.filter(([name]) => name !== "term");
      robots.put(robot);
    };
    transaction.oncomplete = () => { database.close(); resolve(terms); };
  };
})"""
"""Names of the reward's terms in the robot that the browser keeps; nameless: keep it without them."""


def look_inside(lab: Lab, task: str) -> list[str]:
    """Look into a robot of a task; what its reward is made of."""
    lab.choose_task("watch", task)
    lab.wait_watch("playing")
    lab.wait_frames(timeout_s=60)
    lab.page.click("#stage-tools [data-mode=figures]")
    lab.page.locator("#grid-canvas").focus()
    lab.page.keyboard.press("Enter")
    lab.page.locator("#look-inside").click()
    terms = lab.page.locator("#inside .inside-title:has(.num) ~ .inside-row")
    terms.first.wait_for(timeout=BOOT_MS)
    joints = lab.page.locator("#inside .inside-title:text-is('Joints') ~ .inside-row")
    names = terms.locator(".inside-name").all_inner_texts()
    return names[: len(names) - joints.count()]


def test_a_robot_that_an_earlier_version_kept_shows_what_its_reward_is_made_of(
    open_lab: OpenLab, plain_url: str
) -> None:
    lab = open_lab(plain_url)
    lab.wait_watch("playing")
    drop(lab, "crawler.zip", zipped_folder(FIXTURES / "crawler"))
    wait_proposed(lab)
    lab.page.click("#watch-robot")
    lab.page.wait_for_selector("#panel-watch[data-task^='own-']", timeout=BOOT_MS, state="attached")
    lab.wait_watch("playing")
    task = shown_task(lab)
    names = lab.page.evaluate(KEPT_TERMS, True)
    assert "forward" in names
    assert lab.page.evaluate(KEPT_TERMS, False) == []
    lab.page.reload()
    lab.wait_watch("playing")
    assert look_inside(lab, task) == names
    lab.page.locator("#inside .inside-note").wait_for(state="hidden")
    assert lab.page.evaluate(KEPT_TERMS, False) == names
    assert lab.notices() == []


def test_a_hostile_robot_is_one_message_and_the_show_goes_on(open_lab: OpenLab, plain_url: str) -> None:
    lab = open_lab(plain_url)
    lab.wait_watch("playing")
    before = shown_task(lab)
    drop(lab, "<b>a.xml", b"<mujoco><worldbody>" + b"<body>" * 10_000)
    problem = lab.page.locator(f"{SHEET} .setting-problem")
    problem.get_by_text("has 10000 bodies").wait_for(timeout=BOOT_MS)
    assert "<b>a.xml" in problem.inner_text()
    lab.page.keyboard.press("Escape")
    lab.wait_watch("playing")
    assert shown_task(lab) == before
    assert lab.notices() == []
