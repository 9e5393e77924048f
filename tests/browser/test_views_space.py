"""Robots in 3D: placed as the engine has them, pushed by a drag, chosen by a click, back after a loss."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.browser.views_page import MODELS, plain, poses_of, reachable, views_page
from tests.conftest import Prepare

pytestmark = pytest.mark.browser

SPACE = """async ([model, count]) => {
  const { Robot3D } = await import("./views/robot_3d.js");
  const { loadScene, restPose } = await import("./views/scene.js");
  const scene = await loadScene(`models/${model}.scene.json`);
  window.pushes = [];
  window.chosen = [];
  window.space?.destroy();
  window.space = new Robot3D(document.getElementById("place"), {
    onPush: (push) => window.pushes.push(push),
    onSelect: (row) => window.chosen.push(row),
    reducedMotion: true,
  });
  space.setScene(scene);
  space.setCrowd(count);
  space.start();
  const rest = restPose(scene);
  window.crowd = (x = 0) => {
    const poses = new Float32Array(count * rest.length);
    for (let row = 0; row < count; row++) poses.set(rest, row * rest.length);
    for (let i = 0; i < poses.length; i += 7) poses[i] += x;
    return poses;
  };
  window.settle = async () => {
    const before = space.drawn_ms;
    const wait = () => new Promise((done) => setTimeout(done, 20));
    for (let i = 0; i < 200 && space.drawn_ms === before; i++) await wait();
    // Until nothing more is to be drawn: no blend between poses, no drift of the camera.
    for (let i = 0; i < 400 && space.next.due; i++) await wait();
  };
  // Where a body is on the page (px).
  window.onPage = (row, body) => {
    const { mesh } = space.robots.bodies.find((each) => each.body === body);
    const matrix = mesh.matrixWorld.clone();
    mesh.getMatrixAt(row, matrix);
    const place = space.view.target.clone().setFromMatrixPosition(matrix).project(space.view.camera);
    return [(place.x * 0.5 + 0.5) * space.width, (0.5 - place.y * 0.5) * space.height];
  };
  space.setPoses(crowd());
  await settle();
}"""


@pytest.fixture(scope="module")
def page(chromium: Browser, isolated_url: str, built_page: Path, prepare: Prepare) -> Iterator[Page]:
    with views_page(chromium, isolated_url, built_page, prepare, size=(420, 300)) as opened:
        yield opened


@pytest.mark.parametrize("model", MODELS)
def test_bodies_are_where_the_engine_puts_them(page: Page, built_page: Path, model: str) -> None:
    engine, data = reachable(built_page / "models" / f"{model}.xml", 60)
    page.evaluate(SPACE, [model, 1])
    found: list[Any] = page.evaluate(
        """async (pose) => {
          space.setPose(new Float32Array(pose));
          await settle();
          return space.robots.bodies.map(({ body, mesh }) => {
            const matrix = mesh.matrixWorld.clone();
            mesh.getMatrixAt(0, matrix);
            mesh.geometry.computeBoundingBox();
            const { min, max } = mesh.geometry.boundingBox;
            return [body, ...matrix.elements, ...min, ...max];
          });
        }""",
        plain(poses_of(data)),
    )
    assert len(found) == engine.nbody - 1
    for body, *numbers in found:
        placed = np.array(numbers[:16]).reshape(4, 4).T
        np.testing.assert_allclose(placed[:3, :3], data.xmat[body].reshape(3, 3), atol=1e-5)
        np.testing.assert_allclose(placed[:3, 3], data.xpos[body], atol=1e-5)
        # The shape holds every geom of the body: a point of each lies in its box.
        low, high = np.array(numbers[16:19]), np.array(numbers[19:22])
        for geom in np.flatnonzero(engine.geom_bodyid == body):
            assert np.all(engine.geom_pos[geom] >= low)
            assert np.all(engine.geom_pos[geom] <= high)


def test_a_drag_pulls_the_body_towards_the_pointer(page: Page) -> None:
    page.evaluate(SPACE, ["house_position", 1])
    x, y = page.evaluate("onPage(0, 1)")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y - 20, steps=3)
    page.wait_for_function("() => window.pushes.length > 0")
    label = page.locator(".push-label").inner_text()
    page.mouse.move(x + 200, y, steps=3)
    page.wait_for_function("() => Math.hypot(...window.pushes.at(-1).force_n) > 799")
    assert "800 N" in page.locator(".push-label").inner_text()
    pushes = page.evaluate("window.pushes")
    page.mouse.up()
    # Screen right and up, in the world of the camera.
    right, up = page.evaluate(
        """[0, 4].map((at) => [...space.view.camera.matrixWorld.elements.slice(at, at + 3)])"""
    )
    gentle = next(push for push in pushes if np.hypot.reduce(push["force_n"]) < 400)
    assert gentle["body"] == 1
    assert gentle["row"] == 0
    assert np.dot(gentle["force_n"], right) > abs(np.dot(gentle["force_n"], up)) > 0
    assert np.linalg.norm(np.subtract(gentle["point_m"], [0, 0, 1.27])) < 0.2
    assert label.endswith(" N")
    assert max(np.hypot.reduce(push["force_n"]) for push in pushes) <= 800.001
    count = page.evaluate("window.pushes.length")
    page.wait_for_timeout(200)
    assert page.evaluate("window.pushes.length") == count
    assert page.locator(".push-label").is_hidden()


def test_a_drag_beside_the_robot_turns_the_view(page: Page) -> None:
    page.evaluate(SPACE, ["house_position", 1])
    before = page.evaluate("space.view.camera.position.toArray()")
    page.mouse.move(40, 60)
    page.mouse.down()
    page.mouse.move(140, 80, steps=3)
    page.mouse.up()
    turned = page.evaluate("space.view.camera.position.toArray()")
    assert np.linalg.norm(np.subtract(turned, before)) > 0.5
    assert page.evaluate("window.pushes") == []
    page.focus(".space-canvas")
    for key in ("ArrowLeft", "+", "Home"):
        last = page.evaluate("space.view.camera.position.toArray()")
        page.keyboard.press(key)
        page.evaluate("settle()")
        assert np.linalg.norm(np.subtract(page.evaluate("space.view.camera.position.toArray()"), last)) > 0.1
    np.testing.assert_allclose(page.evaluate("space.view.camera.position.toArray()"), before, atol=1e-3)


def test_the_camera_follows_until_told_not_to(page: Page) -> None:
    page.evaluate(SPACE, ["half_cheetah", 1])
    follow = """async (x) => {
      space.setPoses(crowd(x));
      await settle();
      return space.view.controls.target.x;
    }"""
    assert page.evaluate(follow, 1.5) == pytest.approx(1.5, abs=1e-3)
    page.evaluate("space.setFollow(false)")
    assert page.evaluate(follow, 2.5) == pytest.approx(1.5, abs=1e-3)


def test_a_click_chooses_a_robot_of_the_crowd(page: Page) -> None:
    page.evaluate(SPACE, ["house_position", 4])
    for row in (0, 3):
        page.mouse.click(*page.evaluate("(row) => onPage(row, 1)", row))
    assert page.evaluate("window.chosen") == [0, 3]
    page.mouse.click(4, 4)
    assert page.evaluate("window.chosen") == [0, 3]


def test_a_crowd_keeps_apart_and_travels(page: Page) -> None:
    page.evaluate(SPACE, ["house_position", 12])
    places = """async ([x, restart]) => {
      const poses = crowd(x);
      if (restart !== null) poses.set(crowd(0).subarray(0, poses.length / 12), (restart * poses.length) / 12);
      space.setPoses(poses);
      await settle();
      const matrix = space.robots.group.matrixWorld.clone();
      return Array.from({ length: 12 }, (_, row) => {
        space.robots.bodies[0].mesh.getMatrixAt(row, matrix);
        return [matrix.elements[12], matrix.elements[13]];
      });
    }"""
    start = np.array(page.evaluate(places, [0, None]))
    apart = np.linalg.norm(start[:, None] - start[None], axis=2) + 10 * np.eye(12)
    assert apart.min() > 1.0
    later = np.array(page.evaluate(places, [3, None]))
    np.testing.assert_allclose(later - start, np.tile([3, 0], (12, 1)), atol=1e-4)
    # Robot 5 starts a new episode at its own origin: it takes its place beside the others again.
    again = np.array(page.evaluate(places, [3, 5]))
    np.testing.assert_allclose(again, later, atol=1e-4)


def test_a_lost_context_is_told_and_comes_back(page: Page) -> None:
    page.evaluate(SPACE, ["hopper", 1])
    page.evaluate("space.stagehand.renderer.forceContextLoss()")
    notice = page.locator(".space-notice")
    notice.wait_for(state="visible")
    assert "returns by itself" in notice.inner_text()
    page.evaluate("space.stagehand.renderer.forceContextRestore()")
    notice.wait_for(state="hidden")
    page.evaluate("space.setPoses(crowd(0.1)); settle()")
    lit = page.evaluate("""() => {
      space.stagehand.render(space.view.camera, performance.now());
      const gl = space.stagehand.renderer.getContext();
      const [w, h] = [gl.drawingBufferWidth, gl.drawingBufferHeight];
      const pixels = new Uint8Array(4 * w * h);
      gl.readPixels(0, 0, w, h, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
      return pixels.filter((value, index) => index % 4 === 0 && value > 150).length;
    }""")
    assert lit > 20


def test_without_webgl_the_reason_is_said(
    chromium: Browser, isolated_url: str, built_page: Path, prepare: Prepare
) -> None:
    with views_page(chromium, isolated_url, built_page, prepare) as page:
        message = page.evaluate("""async () => {
          HTMLCanvasElement.prototype.getContext = () => null;
          const { Robot3D } = await import("./views/robot_3d.js");
          try {
            new Robot3D(document.getElementById("place"), {});
            return "";
          } catch (error) {
            return error.message;
          }
        }""")
        left = page.evaluate("document.getElementById('place').childElementCount")
    assert "WebGL 2" in message
    assert "hardware acceleration" in message
    assert left == 0
