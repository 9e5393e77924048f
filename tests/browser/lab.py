"""The page as a person uses it: choose, press, wait, read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

BOOT_MS = 90_000
"""A cold worker boots in 5 s on an idle machine; the tests share theirs."""

PENDULUM: Mapping[str, object] = {"n_envs": 8, "algo.n_steps": 64, "algo.minibatch_size": 128}
"""Settings of a pendulum run that learns within seconds; the rest are the task's defaults."""


class Lab:
    """One open page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def enter(self, room: str) -> None:
        """Open the Watch or the Train room."""
        self.page.click(f"#tab-{room}")
        self.page.wait_for_selector(f"#panel-{room}", state="visible")

    def panel(self, room: str) -> Locator:
        return self.page.locator(f"#panel-{room}")

    def choose_task(self, room: str, task_id: str) -> None:
        panel = self.panel(room)
        panel.locator(".task-now").click()
        panel.locator(f"label:has(input[value='{task_id}'])").click()

    def choose_algorithm(self, name: str) -> None:
        self.page.locator(f".segmented label:has(input[name='algorithm'][value='{name}'])").click()

    def set(self, path: str, value: object) -> None:
        """Type a value into a setting of the form."""
        row = self.page.locator(f".setting[data-path='{path}']")
        if not row.is_visible():
            self.page.locator("details.group > summary").click()
        control = row.locator("input, select")
        if control.evaluate("each => each.tagName") == "SELECT":
            control.select_option(str(value))
        elif control.get_attribute("type") == "checkbox":
            control.set_checked(bool(value))
        else:
            control.fill(str(value))

    def train(
        self, task_id: str, settings: Mapping[str, object], *, algorithm: str = "ppo", room: bool = True
    ) -> None:
        """Fill the form and press Train."""
        if room:
            self.enter("train")
        self.choose_task("train", task_id)
        if algorithm != "ppo":
            self.choose_algorithm(algorithm)
        for path, value in settings.items():
            self.set(path, value)
        self.press("Train")

    def press(self, label: str) -> None:
        """Press a button of the room that is open."""
        self.page.locator(f".panel:visible button:text-is('{label}')").click()

    def press_key(self, key: str) -> None:
        """Press a key that no control of the page has for itself."""
        self.page.locator("#stage-title").click()
        self.page.keyboard.press(key)

    def wait_run(self, *states: str, timeout_s: float = BOOT_MS / 1000) -> None:
        """Wait until the run is in one of the states."""
        wanted = ", ".join(f"#panel-train[data-state='{state}']" for state in states)
        self.page.wait_for_selector(wanted, state="attached", timeout=timeout_s * 1000)

    def wait_watch(self, *states: str, timeout_s: float = BOOT_MS / 1000) -> None:
        """Wait until the show is in one of the states."""
        wanted = ", ".join(f"#panel-watch[data-state='{state}']" for state in states)
        self.page.wait_for_selector(wanted, state="attached", timeout=timeout_s * 1000)

    def wait_updates(self, count: int, timeout_s: float = 60) -> None:
        """Wait until the run has at least so many records behind it, by its progress."""
        self.page.wait_for_function(
            "least => Number(document.querySelector('[data-figure=updates]').value) >= least",
            arg=count,
            timeout=timeout_s * 1000,
        )

    def figure(self, name: str) -> float | None:
        """A live figure of the run, unrounded."""
        value = self.page.locator(f"[data-figure={name}]").evaluate("each => each.value")
        return float(value) if value else None

    def evaluation(self, room: str, label: str) -> float:
        """The mean return of an evaluation on show; waits for it."""
        shown = self.panel(room).locator(".evaluation", has=self.page.get_by_text(label, exact=True))
        shown.wait_for(timeout=BOOT_MS)
        return float(shown.locator("data").evaluate("each => each.value"))

    def export(self) -> bytes:
        """Press Export and read the file."""
        with self.page.expect_download() as caught:
            self.press("Export")
        return Path(caught.value.path()).read_bytes()

    def import_policy(self, name: str, data: bytes) -> None:
        """Choose a policy file."""
        file: Any = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
        self.page.set_input_files("#policy-file", files=[file])

    def notices(self) -> list[str]:
        """The titles of the messages in sight."""
        return self.page.locator(".notice-title").all_inner_texts()

    def notice(self, title: str, timeout_s: float = 60) -> str:
        """Wait for the message with this title and return all its words."""
        shown = self.page.locator(".notice", has=self.page.get_by_text(title, exact=True))
        shown.wait_for(timeout=timeout_s * 1000)
        return shown.inner_text()

    def frames(self) -> int:
        """How many pictures of moving robots the stage has been handed."""
        return int(self.page.locator("#stage").get_attribute("data-frames") or 0)

    def wait_frames(self, more: int = 3, *, since: int | None = None, timeout_s: float = 60) -> None:
        """Wait until the stage was handed more pictures than it had, now or at an earlier moment."""
        self.page.wait_for_function(
            "least => Number(document.getElementById('stage').dataset.frames ?? 0) >= least",
            arg=(self.frames() if since is None else since) + more,
            timeout=timeout_s * 1000,
        )
