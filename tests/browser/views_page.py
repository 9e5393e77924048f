"""An empty page of the built page's origin with its styles and import map: drawings alone, no worker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from playwright.sync_api import Browser, Page

from tabrl_py.types import F32
from tests.conftest import Prepare

MODELS = (
    "house_position",
    "house_torque",
    "humanoid",
    "humanoidstandup",
    "ant",
    "half_cheetah",
    "walker2d",
    "hopper",
    "swimmer",
    "inverted_pendulum",
    "inverted_double_pendulum",
)


@contextmanager
def views_page(
    chromium: Browser, url: str, built: Path, prepare: Prepare, size: tuple[int, int] = (1080, 600)
) -> Iterator[Page]:
    """A page with one `#place` that fills it; any console error fails the test."""
    index = (built / "index.html").read_text(encoding="utf-8")
    import_map = re.search(r'<script type="importmap">.*?</script>', index, re.DOTALL)
    assert import_map is not None
    html = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Views</title>
        <link rel="icon" href="data:,"><link rel="stylesheet" href="style.css">
        <link rel="stylesheet" href="views/views.css">{import_map[0]}
        <style>body {{ display: block; }} #place {{ position: absolute; inset: 0; }}
        #place > canvas {{ display: block; width: 100%; height: 100%; }}</style><div id="place"></div>"""
    errors: list[str] = []
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    address = prepare(page, url)
    page.on(
        "console",
        lambda message: errors.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    if page.evaluate("navigator.serviceWorker?.controller ?? null") is None:
        page.route("**/views-alone.html", lambda route: route.fulfill(body=html, content_type="text/html"))
        page.goto(f"{address}views-alone.html")
    else:
        # What a service worker answers, no route of the test's does.
        page.goto(f"{address}tasks.json")
        page.set_content(html)
    try:
        yield page
    finally:
        context.close()
    assert not errors, "console errors:\n" + "\n".join(errors)


def reachable(xml: Path, steps: int, seed: int = 1) -> tuple[mujoco.MjModel, mujoco.MjData]:
    """A model and a state that it reached under random controls, with everything derived from it."""
    model = mujoco.MjModel.from_xml_path(str(xml))
    data = mujoco.MjData(model)
    if model.nkey:
        mujoco.mj_resetDataKeyframe(model, data, 0)
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        data.ctrl[:] = rng.uniform(-1, 1, model.nu) * model.actuator_ctrlrange[:, 1]
        mujoco.mj_step(model, data)
    mujoco.mj_forward(model, data)
    return model, data


def poses_of(data: mujoco.MjData) -> F32:
    """(nbody, 7), as a Frame carries them."""
    return np.concatenate([data.xpos, data.xquat], axis=1).astype(np.float32)


def plain(array: Any) -> list[float]:
    """For passing an array to the page."""
    return [float(value) for value in np.ravel(array)]
