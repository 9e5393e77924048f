"""A field of hundreds and thousands of stick figures: the real poses, painted in a worker, with zoom."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.views_page import plain, poses_of, reachable, views_page
from tests.conftest import Prepare

pytestmark = pytest.mark.browser

FIELD = """async ([model, count, letters]) => {
  const { StickField } = await import("./views/stick_field.js");
  const { PictureRest } = await import("./views/picture_rest.js");
  const { loadScene, restPose } = await import("./views/scene.js");
  const scene = await loadScene(`models/${model}.scene.json`);
  window.field?.destroy();
  window.chosen = [];
  const place = document.createElement("div");
  place.className = "stage-view";
  document.getElementById("place").replaceChildren(place);
  const field = new StickField(place, { onSelect: (row) => chosen.push(row), rest: new PictureRest() });
  window.field = field;
  field.setScene(scene, count, { dt: 0.02, labels: letters });
  field.start();
  const rest = restPose(scene);
  window.frame = () => {
    const poses = new Float32Array(count * rest.length);
    for (let row = 0; row < count; row++) poses.set(rest, row * rest.length);
    const torques = new Float32Array(count * scene.actuators.length);
    return { poses, torques, returns: Array(count).fill(12.5), steps: Array(count).fill(50) };
  };
  window.picture = async () => {
    const before = field.pictures;
    field.look();
    while (field.pictures === before || field.painting) await new Promise((done) => setTimeout(done, 5));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  };
  window.cell = (row) => {
    const { layout, zoom, left, top } = field;
    const x = (row % layout.cols) * layout.cell_width * zoom - left;
    const y = Math.floor(row / layout.cols) * layout.cell_height * zoom - top;
    return { x, y, wide: layout.cell_width * zoom, high: layout.cell_height * zoom };
  };
  window.brightest = (row) => {
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [field.width, field.height];
    const ctx = copy.getContext("2d");
    ctx.drawImage(field.canvas, 0, 0, field.width, field.height);
    const { x, y, wide, high } = cell(row);
    const whole = [x + 1, y + 1, wide - 2, high - 2].map(Math.floor);
    const { data } = ctx.getImageData(...whole);
    let best = [0, 0, 0];
    for (let i = 0; i < data.length; i += 4) {
      const [r, g, b] = data.subarray(i, i + 3);
      if (r + g + b > best[0] + best[1] + best[2]) best = [r, g, b];
    }
    return best;
  };
  field.setFrame(frame());
  await picture();
  // What a worker painted reaches the page some time later; until then its canvas is black.
  const black = () => brightest(0).every((part) => part === 0);
  for (let i = 0; i < 200 && black(); i++) await new Promise((done) => setTimeout(done, 25));
  return { inWorker: field.worker !== null };
}"""

COMPARE = """async ([model, flat, scale]) => {
  const { FieldPainter } = await import("./views/field_painter.js");
  const { Figure } = await import("./views/stick_figure.js");
  const { loadScene } = await import("./views/scene.js");
  const { readTheme, css } = await import("./views/theme.js");
  const scene = await loadScene(`models/${model}.scene.json`);
  const theme = readTheme(document.body);
  const poses = new Float32Array(flat);
  const size = 200;
  const pen = () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [size, size];
    return canvas.getContext("2d", { willReadFrequently: true });
  };
  const [own, grid] = [pen(), pen()];
  const painter = new FieldPainter(own);
  const torques = new Float32Array(scene.actuators.length);
  painter.setRobots({ scene, count: 1, dt: 0.02, theme, font: "12px sans", tints: [], labels: [],
    groups: new Uint8Array(1) });
  painter.setFrame({ poses, torques, returns: [], steps: [] });
  const layout = { cols: 1, rows: 1, cell_width: size, cell_height: size, scale, ground: 150 };
  const edges = { width: size, height: size, ratio: 1, x: 0, y: 0 };
  painter.view = { ...edges, layout, zoom: 1, selected: -1, hovered: -1 };
  painter.drawSmall([{ row: 0, left: 0, top: 0 }], scale, size, size);
  const figure = new Figure(scene, theme);
  grid.fillStyle = css(theme.ink);
  grid.fillRect(0, 0, size, size);
  grid.lineCap = "round";
  grid.setTransform(1, 0, 0, 1, size / 2, 150);
  figure.project(poses, 0);
  figure.draw(grid, scale, torques, 0, figure.sunk(poses, 0));
  const lit = (ctx) => {
    const { data } = ctx.getImageData(0, 0, size, 149);
    const out = [];
    for (let i = 0; i < data.length; i += 4) out.push(data[i] + data[i + 1] + data[i + 2] > 240);
    return out;
  };
  const [a, b] = [lit(own), lit(grid)];
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    both += a[i] && b[i];
    either += a[i] || b[i];
  }
  return [both, either];
}"""


@pytest.fixture(scope="module")
def page(chromium: Browser, isolated_url: str, built_page: Path, prepare: Prepare) -> Iterator[Page]:
    with views_page(chromium, isolated_url, built_page, prepare) as opened:
        yield opened


@pytest.mark.parametrize("radius", [0.5, 1.3, 4.0])
def test_a_limb_covers_its_area(page: Page, radius: float) -> None:
    covered = page.evaluate(
        """async (radius) => {
          const { Pixels, packed } = await import("./views/pixels.js");
          const pixels = new Pixels(80, 80);
          pixels.clear(packed([0, 0, 0]));
          pixels.limb(20.3, 18.7, 52.1, 47.9, radius, packed([255, 255, 255]));
          let sum = 0;
          for (let at = 0; at < 80 * 80; at++) sum += pixels.image.data[4 * at] / 255;
          return sum;
        }""",
        radius,
    )
    length = math.hypot(52.1 - 20.3, 47.9 - 18.7)
    assert covered == pytest.approx(2 * radius * length + math.pi * radius**2, rel=0.03)


@pytest.mark.parametrize("model", ["house_position", "ant", "half_cheetah"])
def test_small_figures_are_the_grids_own(page: Page, built_page: Path, model: str) -> None:
    """Filled by hand and stroked by the canvas, a pose covers the same pixels but for its edges."""
    _, data = reachable(built_page / "models" / f"{model}.xml", 60)
    both, either = page.evaluate(COMPARE, [model, plain(poses_of(data)), 45.0])
    assert either > 300
    assert both / either > 0.85


def test_a_thousand_robots_are_painted_away_from_the_page(page: Page) -> None:
    assert page.evaluate(FIELD, ["house_position", 1000, None]) == {"inWorker": True}
    bright = page.evaluate("[brightest(0), brightest(500), brightest(999)]")
    assert all(sum(colour) > 500 for colour in bright)
    page.evaluate("""async () => {
      const change = frame();
      const nbody = field.scene.bodies.length;
      for (let body = 0; body < nbody; body++) change.poses[(500 * nbody + body) * 7 + 2] -= 0.9;
      field.setFrame(change);
      await picture();
    }""")
    # A worker's picture reaches the page some time after it was painted.
    page.wait_for_function("""() => {
      const sum = (row) => brightest(row).reduce((a, b) => a + b);
      return sum(500) < 0.75 * sum(499);
    }""")


def test_pointer_wheel_and_keys(page: Page) -> None:
    page.evaluate(FIELD, ["hopper", 400, None])
    place = page.evaluate("cell(42)")
    x, y = place["x"] + place["wide"] / 2, place["y"] + place["high"] / 2
    page.mouse.click(x, y)
    assert page.evaluate("chosen") == [42]
    page.mouse.move(x, y)
    page.mouse.wheel(0, -600)
    page.wait_for_function("() => field.zoom > 2")
    page.evaluate("picture()")
    page.mouse.click(x, y)
    assert page.evaluate("chosen") == [42, 42], "zooming keeps what is under the pointer"
    left = page.evaluate("field.left")
    page.mouse.move(500, 300)
    page.mouse.down()
    page.mouse.move(420, 300, steps=4)
    page.mouse.up()
    assert page.evaluate("field.left") == pytest.approx(left + 80)
    assert page.evaluate("chosen.length") == 2, "a drag chooses nothing"
    page.focus(".field-canvas")
    for key in ("End", "Enter"):
        page.keyboard.press(key)
    assert page.evaluate("chosen.at(-1)") == 399
    last = page.evaluate("cell(399)")
    assert last["x"] + last["wide"] <= page.evaluate("field.width") + 1
    page.keyboard.press("0")
    assert page.evaluate("field.zoom") == 1
    page.get_by_role("button", name="Zoom in").click()
    assert page.evaluate("field.zoom") > 1


def test_two_fingers_zoom(page: Page) -> None:
    page.evaluate(FIELD, ["house_position", 300, None])
    zoom = page.evaluate("""() => {
      const touch = (type, id, x) => field.canvas.dispatchEvent(new PointerEvent(type,
        { pointerId: id, pointerType: "touch", clientX: x, clientY: 200, bubbles: true }));
      field.canvas.setPointerCapture = () => {};
      touch("pointerdown", 1, 200);
      touch("pointerdown", 2, 300);
      touch("pointermove", 1, 150);
      touch("pointermove", 2, 350);
      touch("pointerup", 1, 150);
      touch("pointerup", 2, 350);
      return [field.zoom, window.chosen.length];
    }""")
    assert zoom[0] == pytest.approx(2, rel=0.05)
    assert zoom[1] == 0


def test_policies_have_colours_and_letters(page: Page) -> None:
    letters = ["A"] * 100 + ["B"] * 100
    page.evaluate(FIELD, ["house_position", 200, letters])
    a, b = page.evaluate("[brightest(50), brightest(150)]")
    assert a[2] > a[0] + 40, "sky blue"
    assert b[0] > b[2] + 40, "orange"


def test_the_page_paints_where_no_worker_can(page: Page) -> None:
    page.evaluate("""() => {
      window.transfer = HTMLCanvasElement.prototype.transferControlToOffscreen;
      delete HTMLCanvasElement.prototype.transferControlToOffscreen;
    }""")
    assert page.evaluate(FIELD, ["house_position", 200, None]) == {"inWorker": False}
    assert sum(page.evaluate("brightest(7)")) > 500
    page.evaluate("() => { HTMLCanvasElement.prototype.transferControlToOffscreen = window.transfer; }")


@pytest.mark.parametrize(("count", "most_ms"), [(1000, 12), (4000, 20)])
def test_frames_cost_the_page_little(page: Page, count: int, most_ms: float) -> None:
    page.evaluate(FIELD, ["house_position", count, None])
    times: list[float] = page.evaluate("""async () => {
      const next = frame();
      const times = [];
      for (let i = 0; i < 20; i++) {
        field.setFrame(next);
        await picture();
        times.push(field.draw_ms);
      }
      return times.sort((a, b) => a - b);
    }""")
    assert times[len(times) // 2] <= most_ms
