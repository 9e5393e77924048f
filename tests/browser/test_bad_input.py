"""Whatever is wrong gives one message that says what and what to do, loses nothing, and the page goes on."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Route, Worker

from tests.browser.conftest import OpenLab
from tests.browser.lab import PENDULUM, Lab

pytestmark = pytest.mark.browser

TASK = "InvertedPendulum-v5"
REFUSED = "This policy cannot be used"


@pytest.fixture(scope="module")
def policy(chromium: Browser, isolated_url: str) -> bytes:
    """A policy of the inverted pendulum, trained for a moment in the page."""
    context = chromium.new_context(accept_downloads=True)
    page = context.new_page()
    page.goto(isolated_url)
    lab = Lab(page)
    lab.train(TASK, {**PENDULUM, "total_steps": 1024})
    lab.wait_run("finished")
    data = lab.export()
    context.close()
    return data


def with_metadata(policy: bytes, change: Callable[[dict[str, str]], None]) -> bytes:
    """The file with other metadata."""
    length = int.from_bytes(policy[:8], "little")
    header = json.loads(policy[8 : 8 + length])
    change(header["__metadata__"])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + policy[8 + length :]


def other_task(metadata: dict[str, str]) -> None:
    metadata["task"] = "Hopper-v5"


def unknown_task(metadata: dict[str, str]) -> None:
    metadata["task"] = "moonwalk"


def foreign(metadata: dict[str, str]) -> None:
    metadata.clear()
    metadata["format"] = "pt"


def other_layout(metadata: dict[str, str]) -> None:
    metadata["layout_version"] = "99"


def newer_version(metadata: dict[str, str]) -> None:
    key = next(name for name in metadata if "format_version" in name or name == "version")
    metadata[key] = "999"


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "text": lambda data: b"This is a letter, not a policy. " * 40,
    "short": lambda data: data[: len(data) // 2],
    "header cut": lambda data: data[:40],
    "bits turned": lambda data: data[:20] + bytes(255 - byte for byte in data[20:400]) + data[400:],
    "foreign": lambda data: with_metadata(data, foreign),
    "newer": lambda data: with_metadata(data, newer_version),
    "unknown task": lambda data: with_metadata(data, unknown_task),
    "other task": lambda data: with_metadata(data, other_task),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_bad_policy_file(open_lab: OpenLab, isolated_url: str, policy: bytes, kind: str) -> None:
    lab = open_lab(isolated_url)
    lab.wait_watch("playing")
    lab.import_policy("bad.safetensors", BROKEN[kind](policy))
    words = lab.notice(REFUSED)
    assert len(words.splitlines()) >= 3, "what happened, and what to do"
    assert lab.notices() == [REFUSED]
    lab.wait_watch("playing")
    lab.wait_frames(2)
    lab.import_policy("good.safetensors", policy)
    lab.wait_watch("playing")
    lab.page.locator(".policy:has(:checked)", has_text="good").wait_for()
    assert lab.notices() == [] or lab.notices() == [REFUSED]


def test_a_policy_of_another_task_is_no_start(open_lab: OpenLab, isolated_url: str, policy: bytes) -> None:
    lab = open_lab(isolated_url)
    lab.wait_watch("playing")
    lab.import_policy("pendulum.safetensors", policy)
    lab.wait_watch("playing")
    lab.enter("train")
    lab.choose_task("train", "Hopper-v5")
    lab.page.select_option("#start-from", index=1)
    lab.press("Train")
    assert "made for Inverted pendulum" in lab.notice(REFUSED)
    lab.page.select_option("#start-from", value="")
    lab.press("Train")
    lab.wait_run("running")


def test_absurd_settings_never_reach_a_worker(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.enter("train")
    for path, value, words in (
        ("n_envs", "1e9", "n_envs=1000000000 is too large; the most is 4096"),
        ("network.hidden", "9 9 9 9 9", "network.hidden=(9, 9, 9, 9, 9) has 5 layers; the most is 4"),
        ("algo.gamma", "much", "algo.gamma='much' must be a finite number"),
    ):
        lab.set(path, value)
        lab.press("Train")
        problem = lab.page.locator(f"[data-path='{path}'] .setting-problem")
        assert problem.inner_text() == words
        assert lab.page.evaluate("document.activeElement.closest('.setting').dataset.path") == path
        assert lab.page.locator("#panel-train").get_attribute("data-state") == "idle"
        lab.page.locator(f"[data-path='{path}'] .setting-reset").click()
    assert lab.notices() == []


def worker_of(lab: Lab, role: str) -> Worker:
    return next(each for each in lab.page.workers if f"role={role}" in each.url)


def test_a_shipped_policy_that_does_not_fit_leaves_robots_that_move(
    isolated_url: str, chromium: Browser, policy: bytes
) -> None:
    context = chromium.new_context()
    page = context.new_page()

    def serve(route: Route) -> None:
        if route.request.url.endswith("index.json"):
            listed = [{"file": "old.safetensors", "task": TASK, "title": "Old"}]
            route.fulfill(body=json.dumps(listed), content_type="application/json")
        else:
            route.fulfill(body=with_metadata(policy, other_layout), content_type="application/octet-stream")

    context.route(f"{isolated_url}policies/*", serve)
    page.goto(isolated_url)
    lab = Lab(page)
    words = lab.notice(REFUSED)
    assert "layout version 99" in words
    assert "Random actions play meanwhile" in words
    lab.wait_watch("playing")
    lab.wait_frames(3)
    context.close()


@pytest.mark.parametrize("death", ["self.close()", "setTimeout(() => { throw new Error('boom') })"])
def test_a_lost_trainer_is_replaced_and_loses_nothing(
    open_lab: OpenLab, isolated_url: str, death: str
) -> None:
    def train(*, disturbed: bool) -> bytes:
        lab = open_lab(isolated_url)
        lab.train(TASK, {**PENDULUM, "total_steps": 30_000, "seed": 3})
        if disturbed:
            lab.wait_updates(36)
            worker_of(lab, "trainer").evaluate(death)
            words = lab.notice("A training worker was lost and is being replaced", timeout_s=60)
            assert "training goes on from step" in words
            assert len(lab.notices()) == 1
        lab.wait_run("finished", timeout_s=120)
        return lab.export()

    assert train(disturbed=True) == train(disturbed=False)


def test_a_second_worker_that_cannot_start_is_told_once(isolated_url: str, chromium: Browser) -> None:
    context = chromium.new_context()
    page = context.new_page()
    asked: list[str] = []

    def refuse_the_second(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.continue_()
        else:
            route.fulfill(status=404, body="not here")

    context.route("**/python_worker.js?role=trainer*", refuse_the_second)
    page.goto(isolated_url)
    lab = Lab(page)
    lab.enter("train")
    page.locator("#workers").fill("3")
    lab.train(TASK, {**PENDULUM, "total_steps": 50_000_000}, room=False)
    title = "Another training worker could not start"
    assert "only the time differs" in lab.notice(title, timeout_s=120)
    lab.wait_updates(3, timeout_s=120)
    assert page.locator("[data-figure=workers]").inner_text() == "1 of 3"
    assert lab.notices() == [title]
    assert len(asked) == 2, "it is not tried again and again"
    context.close()


def test_a_trainer_that_hangs_can_be_replaced(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.train(TASK, {**PENDULUM, "total_steps": 50_000_000})
    lab.wait_updates(40)
    worker_of(lab, "trainer").evaluate("setTimeout(() => { for (;;); })")
    words = lab.notice("The training worker does not answer", timeout_s=60)
    assert "newest checkpoint" in words
    at = int(lab.figure("updates") or 0)
    lab.page.locator(".notice button:text-is('Replace the worker')").click()
    lab.wait_updates(at + 2, timeout_s=90)
    assert lab.notices() == ["A training worker was lost and is being replaced"]


def test_a_player_that_was_silent_is_heard_again(open_lab: OpenLab, isolated_url: str) -> None:
    """The message goes by itself when the worker is back, and the show goes on."""
    lab = open_lab(isolated_url)
    lab.wait_watch("playing")
    silent = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 40_000)"
    worker_of(lab, "player").evaluate(f"void setTimeout(() => {silent})")
    assert "Nothing was heard from it" in lab.notice(
        "The worker that moves the robots does not answer", timeout_s=45
    )
    lab.page.locator(".notice").wait_for(state="detached", timeout=30_000)
    lab.wait_frames(5)


def test_a_lost_player_is_replaced(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.wait_watch("playing")
    worker_of(lab, "player").evaluate("self.close()")
    lab.notice("The worker that moves the robots was lost and is being replaced", timeout_s=60)
    lab.wait_watch("playing")
    lab.wait_frames(5)


MISSING_ABILITIES = {
    "This browser does not run WebAssembly": "delete globalThis.WebAssembly",
    "This browser does not run module workers": """globalThis.Worker = class extends EventTarget {
        postMessage() {} terminate() {} }""",
}


@pytest.mark.parametrize("title", MISSING_ABILITIES)
def test_a_browser_that_cannot_run_python(isolated_url: str, chromium: Browser, title: str) -> None:
    context = chromium.new_context()
    context.add_init_script(MISSING_ABILITIES[title])
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(isolated_url)
    lab = Lab(page)
    words = lab.notice(title)
    assert "Use a current" in words
    assert lab.notices() == [title]
    lab.enter("train")
    assert lab.page.locator("#set-n_envs").is_visible()
    assert errors == []
    context.close()


def test_without_webgl_robots_are_stick_figures(isolated_url: str, chromium: Browser) -> None:
    context = chromium.new_context()
    context.add_init_script(
        """const real = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
          return kind.startsWith("webgl") ? null : real.call(this, kind, ...rest);
        };"""
    )
    page = context.new_page()
    page.goto(isolated_url)
    lab = Lab(page)
    assert "stick figures" in lab.notice("3D is not available here")
    lab.wait_watch("playing")
    lab.wait_frames(5)
    assert page.locator("#grid-canvas").is_visible()
    context.close()


@pytest.mark.parametrize(
    "path",
    [
        "tasks.json",
        "models/house_position.xml",
        "models/house_position.scene.json",
        "rewards.json",
        "**/mujoco*.wasm",
        "workers/player_worker.js*",
    ],
)
def test_a_file_missing_on_the_server_is_named(isolated_url: str, chromium: Browser, path: str) -> None:
    check_missing(isolated_url, chromium, path, training=False)


@pytest.mark.parametrize("path", ["**/numpy-*.whl", "**/tabrl_py.zip", "workers/python_worker.js*"])
def test_a_file_missing_for_training_is_named_when_one_trains(
    isolated_url: str, chromium: Browser, path: str
) -> None:
    check_missing(isolated_url, chromium, path, training=True)


def check_missing(isolated_url: str, chromium: Browser, path: str, *, training: bool) -> None:
    """Open a page whose server lacks a file; robots move all the same where only training needs it."""
    context = chromium.new_context()
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    def refuse(route: Route) -> None:
        route.fulfill(status=404, body="not here")

    context.route(path if path.startswith("**") else f"{isolated_url}{path}", refuse)
    page.goto(isolated_url)
    if training:
        lab = Lab(page)
        lab.wait_watch("playing")
        lab.wait_frames(3)
        assert lab.notices() == []
        lab.enter("train")
        lab.press("Train")
    page.locator(".notice").first.wait_for(timeout=90_000)
    page.wait_for_timeout(1000)
    text = page.locator(".notices").inner_text()
    name = path.replace("*", "").rstrip(".").split("/")[-1].split(".")[0].rstrip("-")
    assert name in text, text
    assert page.locator(".notice").count() == 1
    assert page.locator("#tab-train").is_visible()
    assert errors == []
    context.close()
