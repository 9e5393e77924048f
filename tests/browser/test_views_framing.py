"""The camera of the 3D view keeps every robot of a crowd within the picture, and none needlessly small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import OpenLab
from tests.browser.views_page import views_page
from tests.browser.views_seen import SIZES
from tests.conftest import Prepare

pytestmark = pytest.mark.browser

STAGES = {"1440x900": (1080, 852), "1024x768": (696, 720), "390x844": (390, 388)}
"""How large the page's stage is in windows of these sizes."""
COVERED = {"1440x900": (0, 288), "1024x768": (0, 288), "390x844": (180, 0)}
"""Of these stages, what the panel about one robot's inside covers (px), left and right."""
FILLED = 0.75
"""Of the picture's width or height a formation takes at least this, or its robots are large already."""
MODELS = ["house_position", "ant", "half_cheetah", "inverted_pendulum"]
MADE = """async ([model, count, reducedMotion, letters]) => {
  const { Robot3D } = await import("./views/robot_3d.js");
  const { loadScene, restPose } = await import("./views/scene.js");
  const { groupsOf } = await import("./views/policy_colours.js");
  const scene = await loadScene(`models/${model}.scene.json`);
  window.space?.destroy();
  window.space = new Robot3D(document.getElementById("place"), { reducedMotion });
  space.setScene(scene);
  space.setCrowd(count);
  if (letters) space.setGroups(groupsOf(letters, count));
  // A picture costs most of the time; where everything is in it does not need one.
  space.stagehand.render = (camera) => camera.updateMatrixWorld();
  space.resize();
  space.running = true;
  const rest = restPose(scene);
  window.now_ms = 0;
  /** Robots that have gone so far, each by its own way. */
  window.gone = (ways) => {
    const poses = new Float32Array(count * rest.length);
    for (let row = 0; row < count; row++) {
      poses.set(rest, row * rest.length);
      const [x, y] = ways[row] ?? [0, 0];
      for (let at = 0; at < rest.length; at += 7) {
        poses[row * rest.length + at] += x;
        poses[row * rest.length + at + 1] += y;
      }
    }
    space.setPoses(poses);
    space.stream.span_ms = 0;
    now_ms += 33;
    space.draw(now_ms);
  };
  /** What each robot takes of the picture: left, top, right, bottom, in shares of its size. */
  window.boxes = () => Array.from({ length: count }, (_, row) => {
    const box = [9, 9, -9, -9];
    const point = space.view.target.clone();
    for (const { mesh } of space.robots.bodies) {
      const matrix = space.robots.group.matrixWorld.clone();
      mesh.getMatrixAt(row, matrix);
      mesh.geometry.computeBoundingBox();
      const { min, max } = mesh.geometry.boundingBox;
      for (let corner = 0; corner < 8; corner++) {
        point.set(corner & 1 ? min.x : max.x, corner & 2 ? min.y : max.y, corner & 4 ? min.z : max.z);
        point.applyMatrix4(matrix).project(space.view.camera);
        const [x, y] = [0.5 + point.x / 2, 0.5 - point.y / 2];
        box[0] = Math.min(box[0], x);
        box[1] = Math.min(box[1], y);
        box[2] = Math.max(box[2], x);
        box[3] = Math.max(box[3], y);
      }
    }
    return box;
  });
  gone([]);
}"""
WANDER = """async ([seconds, spread]) => {
  let worst = [9, 9, -9, -9];
  let nearest = 9;
  let turns = 0;
  let before = Array.from(space.crowd.offsets);
  const ways = (t) => Array.from({ length: space.count }, (_, row) =>
    [(0.9 + spread * Math.sin(1 + 2.3 * row)) * t, spread * 0.4 * Math.sin(4 * row) * t]);
  for (let t = 0; t < seconds; t += 0.033) {
    gone(ways(t));
    const all = boxes();
    worst = worst.map((value, side) =>
      (side < 2 ? Math.min : Math.max)(value, ...all.map((box) => box[side])));
    const after = Array.from(space.crowd.offsets);
    if (after.some((value, at) => Math.abs(value - before[at]) > 1)) turns += 1;
    before = after;
  }
  return { worst, turns };
}"""


@pytest.fixture(scope="module")
def page(chromium: Browser, isolated_url: str, built_page: Path, prepare: Prepare) -> Iterator[Page]:
    with views_page(chromium, isolated_url, built_page, prepare) as opened:
        yield opened


def make(
    page: Page, stage: str, model: str, count: int, *, calm: bool = True, letters: str | None = None
) -> None:
    """A crowd on a stage of that size, in its first picture."""
    width, height = STAGES[stage]
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate(MADE, [model, count, calm, None if letters is None else list(letters)])


def around(boxes: list[list[float]]) -> tuple[float, float, float, float]:
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def assert_within(box: Any) -> None:
    left, top, right, bottom = box
    assert left >= 0, f"cut off on the left: {box}"
    assert top >= 0, f"cut off above: {box}"
    assert right <= 1, f"cut off on the right: {box}"
    assert bottom <= 1, f"cut off below: {box}"


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("count", [2, 5, 12, 50])
def test_a_crowd_begins_within_the_picture_and_fills_it(
    page: Page, stage: str, model: str, count: int
) -> None:
    make(page, stage, model, count)
    boxes = page.evaluate("boxes()")
    left, top, right, bottom = around(boxes)
    assert_within((left, top, right, bottom))
    tallest = max(box[3] - box[1] for box in boxes)
    assert right - left > FILLED or bottom - top > FILLED or tallest > 0.24, "needlessly small"


@pytest.mark.parametrize("stage", STAGES)
def test_the_opening_crowd_stays_within_the_picture_wherever_it_walks(page: Page, stage: str) -> None:
    make(page, stage, "house_position", 12, calm=False)
    wandered = page.evaluate(WANDER, [40, 0.25])
    assert wandered["turns"] > 0, "somebody came in at the other side"
    assert_within(wandered["worst"])


@pytest.mark.parametrize("stage", STAGES)
def test_policies_side_by_side_stay_within_the_picture(page: Page, stage: str) -> None:
    make(page, stage, "house_position", 36, letters="A" * 12 + "B" * 12 + "C" * 12)
    left, top, right, bottom = around(page.evaluate("boxes()"))
    assert_within((left, top, right, bottom))
    assert right - left > FILLED or bottom - top > FILLED
    # Some walk, some stand: they drift apart all the time.
    assert_within(page.evaluate(WANDER, [12, 0.6])["worst"])


@pytest.mark.parametrize(("stage", "covered"), COVERED.items())
@pytest.mark.parametrize("model", MODELS)
def test_one_robot_is_seen_beside_what_lies_over_the_picture(
    page: Page, stage: str, covered: tuple[int, int], model: str
) -> None:
    make(page, stage, model, 1)
    page.evaluate("([left, right]) => { space.setCovered({ left, right }); gone([]); }", list(covered))
    left, top, right, bottom = around(page.evaluate("boxes()"))
    width, _ = STAGES[stage]
    free = (covered[0] / width, 1 - covered[1] / width)
    assert free[0] <= left
    assert right <= free[1]
    assert (left + right) / 2 == pytest.approx(sum(free) / 2, abs=0.12)
    assert_within((left, top, right, bottom))
    page.evaluate("() => { space.setCovered({ left: 0, right: 0 }); gone([]); }")
    left, _, right, _ = around(page.evaluate("boxes()"))
    assert (left + right) / 2 == pytest.approx(0.5, abs=0.12)


@pytest.mark.parametrize("count", [1, 4, 12])
@pytest.mark.parametrize("stage", STAGES)
def test_robots_are_seen_above_what_lies_over_the_picture(page: Page, stage: str, count: int) -> None:
    make(page, stage, "house_position", count)
    _, _, _, low = around(page.evaluate("boxes()"))
    page.evaluate("() => { space.setCovered({ bottom: 0.35 * space.height }); gone([]); }")
    left, top, right, bottom = around(page.evaluate("boxes()"))
    assert_within((left, top, right, bottom))
    assert bottom <= 0.65 + 0.02
    page.evaluate("() => { space.setCovered({ bottom: 0 }); gone([]); }")
    assert around(page.evaluate("boxes()"))[3] == pytest.approx(low, abs=0.02)


@pytest.mark.parametrize("stage", STAGES)
def test_a_fast_robot_is_not_ahead_of_the_picture(page: Page, stage: str) -> None:
    make(page, stage, "half_cheetah", 1, calm=False)
    # 8 m/s, as the shipped policy runs.
    far = page.evaluate("""() => {
      let far = 0;
      for (let t = 0; t < 6; t += 0.033) {
        gone([[8 * t, 0]]);
        far = Math.max(t > 2 ? space.view.controls.target.distanceTo(space.view.target) : 0, far);
      }
      return far;
    }""")
    assert far < 0.2
    assert_within(around(page.evaluate("boxes()")))


def test_another_size_of_the_window_frames_them_anew(page: Page) -> None:
    make(page, "1440x900", "house_position", 12)
    for stage in ("1024x768", "390x844", "1440x900"):
        width, height = STAGES[stage]
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(
            "([width, height]) => space.width === width && space.height === height", arg=[width, height]
        )
        page.evaluate("gone([])")
        left, top, right, bottom = around(page.evaluate("boxes()"))
        assert_within((left, top, right, bottom))
        assert right - left > FILLED or bottom - top > FILLED, stage


def test_robots_of_one_world_that_walk_apart_are_all_seen(page: Page) -> None:
    make(page, "1024x768", "house_position", 6)
    page.evaluate("space.setOrder(true, false)")
    apart = "(far) => gone(Array.from({ length: 6 }, (_, row) => [far * (row - 2.5), 0.4 * far * (row % 3)]))"
    for far in (1.0, 1.3, 1.7):
        page.evaluate(apart, far)
        assert_within(around(page.evaluate("boxes()")))
    wide = page.evaluate("space.view.distance")
    page.evaluate(apart, 0.9)
    assert page.evaluate("space.view.distance") < wide, "it comes nearer again"


@pytest.mark.parametrize("stage", STAGES)
def test_fifty_robots_of_one_world_are_all_seen(page: Page, stage: str) -> None:
    make(page, stage, "house_position", 50)
    page.evaluate("space.setOrder(true, false)")
    # They begin in a grid and walk for 20 s, some fast, some askew, some not at all.
    for seconds in (0, 5, 10, 20):
        page.evaluate(
            """(seconds) => gone(Array.from({ length: 50 }, (_, row) => [
              1.1 * (row % 8) + 0.7 * (1 + Math.sin(2.3 * row)) * seconds,
              1.1 * Math.floor(row / 8) + 0.3 * Math.sin(4 * row) * seconds,
            ]))""",
            seconds,
        )
        assert_within(around(page.evaluate("boxes()")))


def test_who_has_turned_the_view_keeps_it(page: Page) -> None:
    make(page, "1024x768", "house_position", 12)
    page.focus(".space-canvas")
    page.keyboard.press("+")
    away = "space.view.camera.position.distanceTo(space.view.controls.target)"
    near = page.evaluate(away)
    page.evaluate(WANDER, [3, 0.6])
    assert page.evaluate(away) == pytest.approx(near, abs=1e-3)
    page.keyboard.press("Home")
    page.evaluate("gone([])")
    assert page.evaluate(away) > near


def test_the_page_has_stages_of_these_sizes(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.page.wait_for_selector("#stage[data-drawn=space]", timeout=90_000)
    found = {}
    for name, (width, height) in SIZES.items():
        lab.page.set_viewport_size({"width": width, "height": height})
        size = lab.page.locator("#view-3d").bounding_box()
        assert size is not None
        found[name] = (round(size["width"]), round(size["height"]))
    assert found == STAGES
