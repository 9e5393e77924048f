"""Films, looping clips and sheets of what the stage shows."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OpenLab
from tests.browser.views_page import views_page
from tests.conftest import Prepare

pytestmark = pytest.mark.browser

CANVAS = """async () => {
  window.recording = await import("./recording.js");
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [640, 360];
  document.getElementById("place").replaceChildren(canvas);
  const ctx = canvas.getContext("2d");
  window.drawings = 0;
  window.drawn = { canvas, ground: "#0e1116", draw: () => {
    window.drawings += 1;
    ctx.clearRect(0, 0, 640, 360);
    ctx.fillStyle = "#ffb454";
    ctx.fillRect(10 * window.drawings, 100, 40, 40);
  } };
  window.shares = [];
  window.course = () => {
    window.stopper = new AbortController();
    return { signal: stopper.signal, onProgress: (share) => shares.push(share) };
  };
  window.bytes = async (blob) => [blob.type, [...new Uint8Array(await blob.arrayBuffer())]];
}"""


@pytest.fixture(scope="module")
def page(chromium: Browser, isolated_url: str, built_page: Path, prepare: Prepare) -> Iterator[Page]:
    with views_page(chromium, isolated_url, built_page, prepare) as opened:
        opened.evaluate(CANVAS)
        yield opened


def test_a_clip_is_an_animated_png_that_loops(page: Page) -> None:
    kind, data = page.evaluate("recording.clip(drawn, course()).then(bytes)")
    assert kind == "image/png"
    picture = Image.open(io.BytesIO(bytes(data)))
    assert picture.size == (480, 270)
    assert getattr(picture, "n_frames", 1) == 36
    assert picture.info["loop"] == 0, "for ever"
    picture.seek(0)
    first = picture.convert("RGB").tobytes()
    picture.seek(35)
    assert picture.convert("RGB").tobytes() != first
    assert 2000 < 36 * picture.info["duration"] < 30_000
    assert page.evaluate("shares.at(-1)") == 1


def test_a_sheet_has_twelve_pictures(page: Page) -> None:
    kind, data = page.evaluate("recording.sheetOf(drawn, course()).then(bytes)")
    assert kind == "image/png"
    sheet = Image.open(io.BytesIO(bytes(data))).convert("RGB")
    assert sheet.size == (1920, 3 * 270)
    cells = {
        sheet.crop((480 * (i % 4), 270 * (i // 4) + 40, 480 * (i % 4) + 480, 270 * (i // 4) + 270)).tobytes()
        for i in range(12)
    }
    assert len(cells) == 12


def test_a_film_is_webm_and_may_be_stopped(page: Page) -> None:
    kind, data = page.evaluate("""async () => {
      const made = recording.film(drawn.canvas, course());
      for (let i = 0; i < 12; i++) {
        drawn.draw();
        await new Promise((done) => setTimeout(done, 60));
      }
      stopper.abort();
      return bytes(await made);
    }""")
    assert kind == "video/webm"
    assert bytes(data[:4]) == b"\x1aE\xdf\xa3", "EBML"
    assert len(data) > 1000


def test_a_cancelled_clip_leaves_nothing(page: Page) -> None:
    error = page.evaluate("""async () => {
      const made = recording.clip(drawn, course()).then(() => "made", (error) => error.name);
      setTimeout(() => stopper.abort(), 200);
      return made;
    }""")
    assert error == "AbortError"


def test_names_say_what_and_when(page: Page) -> None:
    name = page.evaluate(
        """recording.fileName('Humanoid: <b>Walk</b> ../x', 'webm', new Date(2026, 0, 2, 3, 4, 5))"""
    )
    assert name == "tabrl-humanoid-b-walk-b-x-20260102-030405.webm"


def test_where_films_are_not_made_it_is_said(page: Page) -> None:
    said = page.evaluate("""() => {
      const kept = window.MediaRecorder;
      delete window.MediaRecorder;
      const said = recording.noFilm();
      window.MediaRecorder = kept;
      return said;
    }""")
    assert "cannot record a canvas" in said


def test_the_stage_is_saved_from_its_menu(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.wait_watch("playing")
    lab.wait_frames(4)
    lab.page.locator("#record > summary").click()
    with lab.page.expect_download(timeout=60_000) as caught:
        lab.page.locator("[data-kind=sheet]").click()
        expect(lab.page.locator(".record-progress")).to_be_visible()
    assert re.fullmatch(r"tabrl-[a-z0-9-]+-sheet-\d{8}-\d{6}\.png", caught.value.suggested_filename)
    sheet = Image.open(caught.value.path())
    assert sheet.size[0] == 1920
    assert len(sheet.convert("RGB").getcolors(1 << 24) or []) > 50, "something is on it"
    lab.page.locator("#record > summary").click()
    lab.page.locator("[data-kind=clip]").click()
    lab.page.get_by_role("button", name="Cancel").click()
    expect(lab.page.locator(".record-progress")).to_be_hidden()
    assert lab.notices() == []
