"""The QR code of a link, read off a picture of the screen by an independent decoder, opened on a phone."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from PIL import Image, ImageFilter

from tabrl_py.policy import save_policy
from tabrl_py.policy.link import SharedPolicy, read_link
from tests.browser.conftest import OpenLab
from tests.browser.lab import BOOT_MS, PENDULUM, Lab
from tests.browser.test_links import PHONE, TASK, shared_address
from tests.unit.test_policy_exports import policy_of

pytestmark = pytest.mark.browser

NAME = "A small pendulum"


def seen_code(lab: Lab) -> Image.Image:
    """A picture of the screen where the code is, in greys."""
    code = lab.page.locator(".share-sheet .qr")
    code.wait_for(timeout=BOOT_MS)
    code.scroll_into_view_if_needed()
    return Image.open(io.BytesIO(code.screenshot())).convert("L")


def is_square(lab: Lab) -> bool:
    box = lab.page.locator(".share-sheet .qr").bounding_box()
    return box is not None and abs(box["width"] - box["height"]) < 0.5


def decoded(picture: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(np.asarray(picture))]


def as_a_camera_has_it(picture: Image.Image) -> Image.Image:
    """Nearer, held askew, not quite in focus, and with dark things around."""
    near = picture.resize((3 * picture.width, 3 * picture.height), Image.Resampling.BILINEAR)
    turned = near.rotate(8, Image.Resampling.BILINEAR, expand=True, fillcolor=40)
    return turned.filter(ImageFilter.GaussianBlur(1.5))


def share_small_policy(lab: Lab, hidden: tuple[int, ...]) -> str:
    """Bring a policy whose link is short enough, and open the sheet that shares it; its link."""
    lab.wait_watch("playing")
    lab.import_policy("small.safetensors", save_policy(policy_of(TASK, hidden=hidden)))
    lab.page.wait_for_selector(f"#panel-watch[data-task='{TASK}']", timeout=BOOT_MS, state="attached")
    lab.wait_watch("playing")
    lab.page.click("#share-shown")
    lab.page.fill("#share-name", NAME)
    return shared_address(lab.page)


@pytest.mark.parametrize(("hidden", "least"), [((8,), 100), ((42, 36), 2400)], ids=["small", "largest"])
def test_a_policy_is_read_off_the_screen_and_plays_on_a_phone(
    open_lab: OpenLab, isolated_url: str, artifacts: Path, hidden: tuple[int, ...], least: int
) -> None:
    lab = open_lab(isolated_url, size=(1440, 900))
    address = share_small_policy(lab, hidden)
    assert len(address) >= least
    picture = seen_code(lab)
    picture.save(artifacts / f"qr-policy-{least}.png")
    assert is_square(lab)
    assert decoded(picture) == [address]
    assert decoded(as_a_camera_has_it(picture)) == [address]
    (found,) = decoded(picture)
    phone = open_lab(found, size=PHONE, phone=True)
    phone.wait_watch("playing")
    phone.wait_frames(5)
    assert NAME in phone.page.locator(".policy:has(:checked)").inner_text()
    phone.page.click("#share-shown")
    theirs, ours = read_link(shared_address(phone.page)), read_link(address)
    assert isinstance(theirs, SharedPolicy)
    assert isinstance(ours, SharedPolicy)
    assert theirs.policy.task == ours.policy.task == TASK
    np.testing.assert_array_equal(theirs.policy.params, ours.policy.params)
    np.testing.assert_array_equal(theirs.policy.obs_mean, ours.policy.obs_mean)
    # A phone shows it to the next one: within its narrow sheet, and square.
    shown = seen_code(phone)
    assert is_square(phone)
    box = phone.page.locator(".share-sheet .qr").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE[0]
    assert decoded(shown) == [shared_address(phone.page)]
    assert phone.notices() == []


def test_a_recipe_is_read_off_the_screen(open_lab: OpenLab, isolated_url: str) -> None:
    lab = open_lab(isolated_url)
    lab.train(TASK, {**PENDULUM, "total_steps": 1024, "seed": 11})
    lab.wait_run("finished")
    lab.press("Copy link")
    lab.page.locator(".share-kinds label:has(input[value=recipe])").click()
    lab.page.wait_for_function("() => /#r=/.test(document.querySelector('#share-link').value)")
    address = lab.page.locator("#share-link").input_value()
    (found,) = decoded(as_a_camera_has_it(seen_code(lab)))
    assert found == address
    phone = open_lab(found, size=PHONE, phone=True)
    phone.page.locator(".shared-recipe").wait_for(timeout=BOOT_MS)
    phone.page.click("#train-shared")
    phone.page.wait_for_function("() => document.querySelector('#panel-train').dataset.state !== 'idle'")
    assert "11" in phone.panel("train").inner_text()
    assert phone.notices() == []
