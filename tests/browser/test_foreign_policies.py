"""Policies of other programs in the page: imported, they act as they did; exported, they are whole files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from playwright.sync_api import Page, Route

from tabrl_py.policy import load_policy
from tests.browser.conftest import OpenLab
from tests.browser.lab import Lab

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests/fixtures/stable_baselines3"
REFUSED = "This policy cannot be used"


def choose(lab: Lab, *names: str) -> None:
    """Choose files of the fixture together."""
    files: list[Any] = [
        {"name": name, "mimeType": "application/octet-stream", "buffer": (FIXTURES / name).read_bytes()}
        for name in names
    ]
    lab.page.set_input_files("#policy-file", files=files)


def export(lab: Lab, format_: str) -> tuple[str, bytes]:
    """Export in a format; the file's name and bytes."""
    lab.panel("watch").locator("#export-format").select_option(format_)
    with lab.page.expect_download(timeout=90_000) as caught:
        lab.press("Export")
    return caught.value.suggested_filename, Path(caught.value.path()).read_bytes()


def test_a_policy_of_stable_baselines3_returns_in_the_tab_what_it_returned_there(
    open_lab: OpenLab, plain_url: str
) -> None:
    """From the same first states; the bound is the library's own standard error over them."""
    record = json.loads((FIXTURES / "returns.json").read_text())
    lab = open_lab(plain_url)
    lab.wait_watch("playing")
    lab.choose_task("watch", record["task"])
    lab.wait_watch("playing")
    choose(lab, "model.zip", "vec_normalize.pkl")
    lab.page.wait_for_selector(".policy:has(input:checked) .policy-title:text-is('model')", timeout=90_000)
    lab.wait_watch("playing")
    lab.press("Evaluate on 10 seeds")
    mean = lab.evaluation("watch", "Evaluated here")
    theirs = np.array(record["returns"][:10])
    assert abs(mean - theirs.mean()) <= theirs.std(ddof=1) / np.sqrt(len(theirs))
    assert lab.notices() == []


def test_another_policy_class_is_one_message_and_the_show_goes_on(open_lab: OpenLab, plain_url: str) -> None:
    lab = open_lab(plain_url)
    lab.wait_watch("playing")
    before = lab.panel("watch").locator(".policy:has(input:checked) .policy-title").inner_text()
    choose(lab, "other_policy.zip")
    words = lab.notice(REFUSED, timeout_s=90)
    assert "stable_baselines3.sac.policies" in words
    assert lab.notices() == [REFUSED]
    assert lab.panel("watch").locator(".policy:has(input:checked) .policy-title").inner_text() == before
    lab.wait_frames()


def without_names(route: Route) -> None:
    """Answer with a drawing whose actuators have no names."""
    response = route.fetch()
    route.fulfill(response=response, json={**response.json(), "actuators": [{}]})


def test_an_export_that_breaks_its_worker_is_told(open_lab: OpenLab, plain_url: str) -> None:
    lab = open_lab(plain_url)
    lab.wait_watch("playing")
    # As a host that still has another version's file would send it.
    lab.page.route("**/*.scene.json", without_names)
    lab.panel("watch").locator("#export-format").select_option("onnx")
    lab.press("Export")
    lab.page.locator("#notices :text('Writing .onnx')").wait_for()
    lab.page.locator("#notices :text('Writing .onnx')").wait_for(state="detached", timeout=120_000)
    assert len(lab.notices()) == 1
    lab.wait_frames()


UNREADABLE = """async () => {
  const { EvaluatorClient } = await import(new URL("evaluator_client.js", location.href).href);
  globalThis.Worker = class extends EventTarget {
    constructor() {
      super();
      setTimeout(() => this.say({ type: "ready", versions: {}, boot_s: 0 }));
    }
    postMessage() {
      const why = { name: "ValueError", message: "unknown message", traceback: "", hint: "" };
      setTimeout(() => this.say({ type: "failed", ...why, fatal: false, id: 0 }));
    }
    say(data) {
      this.dispatchEvent(new MessageEvent("message", { data }));
    }
    terminate() {}
  };
  const reading = new EvaluatorClient(async () => "").readPolicy(new ArrayBuffer(8), null, "");
  const late = new Promise((resolve) => setTimeout(resolve, 10_000, "still waiting"));
  return await Promise.race([reading.then(() => "read", ({ message }) => message), late]);
}"""
"""A worker that could not read its request cannot say whose it was."""


def test_an_error_that_answers_no_request_reaches_whoever_waits(
    open_page: Callable[..., Page], plain_url: str
) -> None:
    page = open_page(f"{plain_url}build.json", expected_errors=["favicon.ico"])
    assert page.evaluate(UNREADABLE) == "unknown message"


def test_what_the_page_exports_acts_as_the_policy_and_comes_back(open_lab: OpenLab, plain_url: str) -> None:
    lab = open_lab(plain_url)
    lab.wait_watch("playing")
    _, own = export(lab, "safetensors")
    name, model = export(lab, "onnx")
    policy = load_policy(own)
    assert name.startswith(policy.task)
    assert name.endswith(".onnx")
    rng = np.random.default_rng(2)
    obs = rng.standard_normal((64, policy.sizes[0])).astype(np.float32)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (actions,) = session.run(["actions"], {"obs": obs})
    np.testing.assert_allclose(actions, policy.act(obs), rtol=0, atol=1e-5)
    assert "joint_names" in session.get_modelmeta().custom_metadata_map
    assert json.loads(export(lab, "json")[1])["task"] == policy.task
    lab.import_policy("mine.onnx", model)
    lab.page.wait_for_selector(".policy:has(input:checked) .policy-title:text-is('mine')", timeout=90_000)
    lab.wait_watch("playing")
    assert lab.notices() == []
