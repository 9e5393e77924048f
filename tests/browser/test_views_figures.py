"""Stick figures: their kinematics are the robot's own, and the grid answers pointer, keys and frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.browser.views_page import MODELS, plain, poses_of, reachable, views_page
from tests.conftest import Prepare

pytestmark = pytest.mark.browser

CAPSULE, SPHERE = int(mujoco.mjtGeom.mjGEOM_CAPSULE), int(mujoco.mjtGeom.mjGEOM_SPHERE)

GRID = """async ([model, count]) => {
  const { StickGrid } = await import("./views/stick_grid.js");
  const { loadScene, restPose } = await import("./views/scene.js");
  const scene = await loadScene(`models/${model}.scene.json`);
  const canvas = document.createElement("canvas");
  document.getElementById("place").replaceChildren(canvas);
  window.chosen = [];
  window.grid?.destroy();
  window.grid = new StickGrid(canvas, { onSelect: (row) => window.chosen.push(row) });
  window.drawn = 0;
  const draw = grid.draw.bind(grid);
  grid.draw = (now) => { window.drawn += 1; draw(now); };
  grid.setScene(scene, count, { dt: 0.02 });
  grid.start();
  const rest = restPose(scene);
  window.frame = (change = {}) => {
    const poses = new Float32Array(count * rest.length);
    for (let row = 0; row < count; row++) poses.set(rest, row * rest.length);
    const torques = new Float32Array(count * scene.actuators.length);
    return { poses, torques, returns: Array(count).fill(12.5), steps: Array(count).fill(50), ...change };
  };
  window.brightness = (row, part = (r, g, b) => r + g + b) => {
    const { layout, canvas, ctx } = grid;
    const wide = (layout.cell_width * canvas.width) / grid.width;
    const high = (layout.cell_height * canvas.width) / grid.width;
    const [x, y] = [(row % layout.cols) * wide, Math.floor(row / layout.cols) * high];
    const { data } = ctx.getImageData(x, y, wide, high);
    let most = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] > 200) most = Math.max(most, part(data[i], data[i + 1], data[i + 2]));
    }
    return most;
  };
  window.picture = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  await picture();
}"""

STROKES = """async ([model, flat]) => {
  const { toWorld } = await import("./views/pose.js");
  const { loadScene } = await import("./views/scene.js");
  const { skeleton } = await import("./views/skeleton.js");
  const scene = await loadScene(`models/${model}.scene.json`);
  const poses = new Float32Array(flat);
  const world = (body, point) => {
    const out = [0, 0, 0];
    toWorld(poses, body * 7, ...point, out);
    return out;
  };
  return {
    limbs: scene.limbs.map(({ body, from, to }) => [body, ...world(body, from), ...world(body, to)]),
    links: skeleton(scene).filter((stroke) => stroke.body_a !== stroke.body_b)
      .map((stroke) => [stroke.body_b, ...world(stroke.body_b, stroke.point_b)]),
    strokes: skeleton(scene).length,
  };
}"""


@pytest.fixture(scope="module")
def page(chromium: Browser, isolated_url: str, built_page: Path, prepare: Prepare) -> Iterator[Page]:
    with views_page(chromium, isolated_url, built_page, prepare) as opened:
        yield opened


@pytest.mark.parametrize("model", MODELS)
def test_limbs_are_where_the_engine_puts_them(page: Page, built_page: Path, model: str) -> None:
    engine, data = reachable(built_page / "models" / f"{model}.xml", 120)
    found: dict[str, Any] = page.evaluate(STROKES, [model, plain(poses_of(data))])
    ends: dict[int, list[list[float]]] = {}
    for geom in range(engine.ngeom):
        body, kind = int(engine.geom_bodyid[geom]), int(engine.geom_type[geom])
        if body == 0 or kind not in (CAPSULE, SPHERE):
            continue
        half = engine.geom_size[geom, 1] if kind == CAPSULE else 0.0
        axis = data.geom_xmat[geom].reshape(3, 3)[:, 2] * half
        ends.setdefault(body, []).append([*(data.geom_xpos[geom] - axis), *(data.geom_xpos[geom] + axis)])
    assert len(found["limbs"]) == sum(map(len, ends.values()))
    for body, *place in found["limbs"]:
        assert min(np.abs(np.subtract(place, own)).max() for own in ends[body]) < 2e-5
    for body, *place in found["links"]:
        joints = [joint for joint in range(engine.njnt) if engine.jnt_bodyid[joint] == body]
        hung = data.xanchor[joints[0]] if joints else data.xpos[body]
        np.testing.assert_allclose(place, hung, atol=2e-5)


def test_a_new_episode_is_not_blended_with_the_last(page: Page) -> None:
    shown = page.evaluate("""async () => {
      const { PoseStream } = await import("./views/pose.js");
      const pose = (x, z) => [x, 0, z, 1, 0, 0, 0];
      const stream = new PoseStream(2, 1, 0, new Float32Array(pose(0, 1.3)));
      stream.push(new Float32Array([...pose(5, 0.6), ...pose(0, 1.3)]), 1000, true);
      stream.push(new Float32Array([...pose(5.1, 0.6), ...pose(0.1, 1.3)]), 1040, true);
      stream.advance(1080);
      stream.push(new Float32Array([...pose(0, 1.3), ...pose(0.2, 1.3)]), 1080, true);
      const at = (now) => { stream.advance(now); return [stream.shown[0], stream.shown[7]]; };
      return [at(1080), at(1100), at(1120), [...stream.jumped]];
    }""")
    np.testing.assert_allclose(shown[0], [0, 0.1], atol=1e-6)
    np.testing.assert_allclose(shown[1], [0, 0.15], atol=1e-6)
    np.testing.assert_allclose(shown[2], [0, 0.2], atol=1e-6)
    assert shown[3] == [1, 0]


def test_quaternions_blend_on_the_near_side(page: Page) -> None:
    blended = page.evaluate("""async () => {
      const { blend } = await import("./views/pose.js");
      const half = Math.SQRT1_2;
      const out = new Float32Array(7);
      const turned = new Float32Array([2, 0, 0, -half, 0, 0, -half]);
      blend(new Float32Array([0, 0, 0, 1, 0, 0, 0]), turned, 0, 1, 0.5, out);
      return [...out];
    }""")
    np.testing.assert_allclose(blended, [1, 0, 0, np.cos(np.pi / 8), 0, 0, np.sin(np.pi / 8)], atol=1e-6)


def test_pointer_and_keys_choose_a_robot(page: Page) -> None:
    page.evaluate(GRID, ["house_position", 16])
    box = page.locator("canvas").bounding_box()
    cell = page.evaluate("({ ...grid.layout })")
    assert box is not None
    row = cell["cols"] + 1
    page.mouse.click(box["x"] + 1.5 * cell["cell_width"], box["y"] + 1.5 * cell["cell_height"])
    assert page.evaluate("[grid.selected, window.chosen]") == [row, [row]]
    page.focus("canvas")
    for key in ("ArrowRight", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    assert page.evaluate("window.chosen") == [row, 2]
    option = page.locator("canvas [role=option]").nth(2)
    assert option.get_attribute("aria-selected") == "true"
    assert page.locator("canvas").get_attribute("aria-activedescendant") == option.get_attribute("id")
    assert "Robot 3" in (option.text_content() or "")


@pytest.mark.parametrize("count", [1, 2, 7, 12, 16, 64, 100])
@pytest.mark.parametrize("model", ["house_position", "swimmer"])
def test_every_robot_has_a_cell_of_its_own(page: Page, model: str, count: int) -> None:
    page.evaluate(GRID, [model, count])
    cells = page.evaluate("""async () => {
      const { cellAt } = await import("./views/grid_layout.js");
      const { layout, count, width, height } = grid;
      const found = Array.from({ length: count }, (_, row) => {
        const x = ((row % layout.cols) + 0.5) * layout.cell_width;
        const y = (Math.floor(row / layout.cols) + 0.5) * layout.cell_height;
        return cellAt(layout, count, x, y);
      });
      return { found, width, height, layout };
    }""")
    layout = cells["layout"]
    assert cells["found"] == list(range(count))
    assert layout["cols"] * layout["cell_width"] == pytest.approx(cells["width"])
    assert layout["rows"] * layout["cell_height"] == pytest.approx(cells["height"])
    assert 0 < layout["ground"] < layout["cell_height"]


def test_fallen_robots_dim_and_torque_tints(page: Page) -> None:
    page.evaluate(GRID, ["house_torque", 64])
    page.evaluate("grid.setFrame(frame()); picture()")
    assert page.evaluate("brightness(1)") > 600
    lying = """async () => {
      const change = frame();
      const nbody = grid.scene.bodies.length;
      for (let body = 0; body < nbody; body++) change.poses[(nbody + body) * 7 + 2] -= 1;
      grid.setFrame(change);
      await picture();
      return [brightness(0), brightness(1)];
    }"""
    upright, fallen = page.evaluate(lying)
    assert fallen < 0.6 * upright
    # Motors of the torque robot give actuator_force 1 at their limit, whatever their gear.
    amber = page.evaluate("""async () => {
      const change = frame();
      change.torques.fill(1, 2 * grid.scene.actuators.length, 3 * grid.scene.actuators.length);
      grid.setFrame(change);
      await picture();
      return [2, 3].map((row) => brightness(row, (r, g, b) => r - b));
    }""")
    assert amber[0] > 120
    assert amber[1] < 30


def test_draws_only_when_there_is_something_new(page: Page) -> None:
    page.evaluate(GRID, ["hopper", 12])
    page.wait_for_timeout(100)
    page.evaluate("window.drawn = 0")
    page.wait_for_timeout(300)
    assert page.evaluate("window.drawn") == 0
    page.evaluate("grid.setFrame(frame()); picture()")
    assert page.evaluate("window.drawn") >= 1


def test_a_new_size_is_drawn_at_once(page: Page) -> None:
    page.evaluate(GRID, ["ant", 9])
    page.set_viewport_size({"width": 390, "height": 420})
    page.wait_for_function("() => grid.width === 390")
    assert page.evaluate("[grid.canvas.width, grid.canvas.height, brightness(8) > 300]") == [390, 420, True]
    page.set_viewport_size({"width": 1080, "height": 600})


@pytest.mark.own_server("it changes what the server answers, and a service worker asks no server")
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": 404, "body": "no"}, "is missing on the server (status 404)"),
        ({"status": 200, "body": "<html>"}, "is not JSON"),
        ({"status": 200, "body": '{"bodies": []}'}, 'has no list "geoms"'),
    ],
)
def test_a_bad_scene_says_which_file_and_what_to_do(
    chromium: Browser,
    isolated_url: str,
    built_page: Path,
    prepare: Prepare,
    answer: dict[str, Any],
    said: str,
) -> None:
    with views_page(chromium, isolated_url, built_page, prepare) as page:
        # Fulfilled with status 404, a fetch is also reported on the console by the browser itself.
        if answer["status"] == 404:
            page.evaluate("window.fetch = async () => new Response('no', { status: 404 })")
        page.route("**/robot.scene.json", lambda route: route.fulfill(**answer))
        message = page.evaluate("""async () => {
          const { loadScene } = await import("./views/scene.js");
          return loadScene("models/robot.scene.json").then(() => "", (error) => error.message);
        }""")
    assert said in message
    assert "models/robot.scene.json" in message
    assert "./build.sh dist" in message
