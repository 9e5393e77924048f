"""One world of stick figures: all in one picture where they truly are, balls too, chosen by a press."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.browser.test_views_framing import STAGES
from tests.browser.views_page import views_page
from tests.conftest import Prepare

pytestmark = pytest.mark.browser

WORLD = """async ([model, places, letters]) => {
  const { StickWorld } = await import("./views/stick_world.js");
  const { loadScene, restPose } = await import("./views/scene.js");
  const scene = await loadScene(`models/${model}.scene.json`);
  const canvas = document.createElement("canvas");
  document.getElementById("place").replaceChildren(canvas);
  window.chosen = [];
  window.world?.destroy();
  window.world = new StickWorld(canvas, { onSelect: (row) => window.chosen.push(row), reducedMotion: true });
  const count = places.length;
  world.setScene(scene, count, { dt: 0.02 });
  world.setLabels(letters);
  world.start();
  const rest = restPose(scene);
  const tracked = 7 * scene.tracking_body;
  window.put = async (at, balls = []) => {
    const poses = new Float32Array(count * rest.length);
    for (const [row, [x, y, z = 0]] of at.entries()) {
      poses.set(rest, row * rest.length);
      for (let body = row * rest.length; body < (row + 1) * rest.length; body += 7) {
        poses[body] += x - rest[tracked];
        poses[body + 1] += y - rest[tracked + 1];
        poses[body + 2] += z;
      }
    }
    const torques = new Float32Array(count * scene.actuators.length);
    world.setFrame({ poses, torques, returns: Array(count).fill(12.5), steps: Array(count).fill(50), balls });
    world.stream.span_ms = 0;
    world.stream.advance(performance.now());
    world.draw(performance.now());
  };
  /** Where each robot's figure is drawn: the floor below it, and its box (px). */
  window.figures = () => Array.from({ length: count }, (_, row) => {
    const [x, y] = world.project(row);
    const box = [1e9, 1e9, -1e9, -1e9];
    for (const [index, { radius }] of world.figure.strokes.entries()) {
      for (const at of [index * 4, index * 4 + 2]) {
        const { scale } = world.sight;
        const [left, top] = [x + world.figure.pixel_x(at, scale), y + world.figure.pixel_y(at + 1, scale)];
        const wide = radius * scale;
        box[0] = Math.min(box[0], left - wide);
        box[1] = Math.min(box[1], top - wide);
        box[2] = Math.max(box[2], left + wide);
        box[3] = Math.max(box[3], top + wide);
      }
    }
    return { foot: world.sight.pixel(...world.placeOf(row)), box };
  });
  window.colour = (x, y) => {
    const ratio = canvas.width / world.width;
    return [...world.ctx.getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data.slice(0, 3)];
  };
  await put(places);
}"""
GRID = [(1.4 * (k % 4), 1.4 * (k // 4)) for k in range(12)]
AMBER = (255, 180, 84)


@pytest.fixture(scope="module")
def page(chromium: Browser, isolated_url: str, built_page: Path, prepare: Prepare) -> Iterator[Page]:
    with views_page(chromium, isolated_url, built_page, prepare) as opened:
        yield opened


def make(
    page: Page,
    places: Sequence[tuple[float, float]],
    model: str = "house_position",
    letters: str | None = None,
) -> None:
    page.evaluate(WORLD, [model, places, None if letters is None else list(letters)])


def test_everybody_is_drawn_where_it_is(page: Page) -> None:
    """Distances on the picture are those on the floor, under one projection for all."""
    rng = np.random.default_rng(4)
    places = rng.uniform(-4, 4, (9, 2))
    make(page, places.tolist())
    feet = np.array([each["foot"] for each in page.evaluate("figures()")])
    floor = np.column_stack([places, np.ones(9)])
    projection, *_ = np.linalg.lstsq(floor, feet, rcond=None)
    np.testing.assert_allclose(floor @ projection, feet, atol=1e-2)
    assert abs(np.linalg.det(projection[:2])) > 1, "no two places fall together"
    # All move on by the same way: the picture goes with them, and nobody's place among the others changes.
    page.evaluate("put", (places + np.array([30.0, -7.0])).tolist())
    later = np.array([each["foot"] for each in page.evaluate("figures()")])
    np.testing.assert_allclose(later - later[0], feet - feet[0], atol=0.05)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("model", ["house_position", "ant"])
def test_all_are_within_the_picture(page: Page, stage: str, model: str) -> None:
    width, height = STAGES[stage]
    page.set_viewport_size({"width": width, "height": height})
    for places in (GRID, GRID[:1], [(9.0 * np.cos(k), 6.0 * np.sin(2 * k)) for k in range(50)]):
        make(page, [(float(x), float(y)) for x, y in places], model)
        boxes = np.array([each["box"] for each in page.evaluate("figures()")])
        assert boxes[:, :2].min() >= 0
        assert boxes[:, 2].max() <= width
        assert boxes[:, 3].max() <= height
        across, high = boxes[:, 2].max() - boxes[:, 0].min(), boxes[:, 3].max() - boxes[:, 1].min()
        assert across > 0.45 * width or high > 0.3 * height, "needlessly small"
    page.set_viewport_size({"width": 1080, "height": 600})


def test_who_is_in_front_hides_who_is_behind_and_is_chosen(page: Page) -> None:
    make(page, [(0.0, 0.0), (0.0, 0.35), (3.0, 0.0)], letters="ABB")
    front, behind, aside = page.evaluate("figures()")
    assert behind["foot"][1] < front["foot"][1], "who is behind stands higher in the picture"
    x, y = (front["box"][0] + front["box"][2]) / 2, (front["box"][1] + front["box"][3]) / 2
    page.mouse.click(x, y)
    assert page.evaluate("[world.selected, window.chosen]") == [0, [0]]
    page.mouse.click((aside["box"][0] + aside["box"][2]) / 2, (aside["box"][1] + aside["box"][3]) / 2)
    page.mouse.click(4, 300)
    assert page.evaluate("window.chosen") == [0, 2], "beside everybody nobody is chosen"
    page.focus("canvas")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    assert page.evaluate("window.chosen.at(-1)") in (0, 1)
    assert "Robot B" in (page.locator("canvas [role=option]").nth(2).text_content() or "")


def test_policies_have_their_colours(page: Page) -> None:
    make(page, [(0.0, 0.0), (3.0, 0.0)], letters="AB")
    warm: list[Any] = page.evaluate("""figures().map(({ box: [left, top, right, bottom] }) => {
      const ratio = world.canvas.width / world.width;
      const part = [left, top, right - left, bottom - top].map((edge) => edge * ratio);
      const { data } = world.ctx.getImageData(...part);
      let sum = 0;
      for (let i = 0; i < data.length; i += 4) sum += data[i] - data[i + 2];
      return sum;
    })""")
    assert warm[0] < 0 < warm[1], "A is blue, B is orange"


def test_balls_are_drawn_among_the_robots(page: Page) -> None:
    make(page, GRID)
    ball = [2.0, -1.2, 0.9]
    page.evaluate("([at, ball]) => put(at, ball)", [GRID, ball])
    x, y = page.evaluate("world.sight.pixel(...world.balls)")
    np.testing.assert_allclose(page.evaluate("([x, y]) => colour(x, y)", [x, y]), AMBER, atol=3)
    ground = page.evaluate("world.sight.pixel(world.balls[0], world.balls[1])")
    assert ground[1] > y + 10, "its place on the floor is below it"
    # A ball behind a robot's trunk is hidden by it.
    page.evaluate(
        "([at, ball]) => put(at, ball)", [[[0, 0], [5, 0]] + [[5, 1 + k] for k in range(10)], [0.0, 0.6, 1.0]]
    )
    order = page.evaluate("world.farFirst().map(({ row, ball }) => (ball >= 0 ? 'ball' : row))")
    assert order.index("ball") < order.index(0)


def test_the_camera_rests_while_robots_stay_where_they_are(page: Page) -> None:
    make(page, GRID)
    scale = page.evaluate("world.sight.scale")
    page.evaluate("put", [[1.1 * x, 1.1 * y] for x, y in GRID])
    wider = page.evaluate("world.sight.scale")
    assert wider < scale
    for near in (1.07, 1.09, 1.06):
        page.evaluate("put", [[near * x, near * y] for x, y in GRID])
        assert page.evaluate("world.sight.scale") == wider
    page.evaluate("put", [[2 * x, 2 * y] for x, y in GRID])
    assert page.evaluate("world.sight.scale") < 0.75 * scale
