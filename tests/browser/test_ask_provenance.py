"""Of a loop that Claude designs: its winner's file, a branch from an early member, what Claude sees."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page

from tabrl_py.policy import load_policy, save_policy
from tests.browser.ask_claude import SMALLEST, answer_from_first, claude_lab, reward
from tests.browser.ask_lab import AskLab
from tests.browser.lab import BOOT_MS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.own_server("Claude is asked through its relay"),
    pytest.mark.timeout(180),
]

OpenPage = Callable[..., Page]
TEXT = "Stand like a lighthouse"
CLAIM = {"text": TEXT, "fitness": "humanoid-walk", "evaluation_seeds": [100], "lineage": [{"fitness": 0.5}]}
CLAIMS: list[Any] = [
    CLAIM,
    None,
    [],
    {**CLAIM, "text": 3},
    {**CLAIM, "fitness": None},
    {**CLAIM, "evaluation_seeds": []},
    {**CLAIM, "evaluation_seeds": [-1]},
    {**CLAIM, "evaluation_seeds": ["100"]},
    {**CLAIM, "evaluation_seeds": list(range(257))},
    {**CLAIM, "lineage": []},
    {**CLAIM, "lineage": [None]},
    {**CLAIM, "lineage": [{"fitness": "0.5"}]},
]
"""What a file may say of its loop; all but the first say nothing that can be measured again."""
DESIGNED = """async (provenance) =>
  (await import("./policy_header.js")).factsOf({ task: "humanoid-walk", provenance }, "claimed").designed"""


def by_member(lines: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """The data of a ledger's lines of one kind, by the member whom they are about."""
    return {line["id"].rpartition(".")[0]: line["data"] for line in lines if line["kind"] == kind}


def pictures(request: dict[str, Any]) -> list[dict[str, Any]]:
    """The images that a request shows."""
    blocks = [block for message in request["messages"] for block in message["content"]]
    return [block for block in blocks if block["type"] == "image"]


def fitness_again(lab: AskLab) -> tuple[float, float]:
    """The fitness that Watch is told, and what it measures itself."""
    lab.page.wait_for_function(
        "() => document.querySelector('[data-figure=fitness-now]').value !== ''", timeout=BOOT_MS
    )
    then, now = (
        lab.page.locator(f"[data-figure=fitness-{when}]").evaluate("each => Number(each.value)")
        for when in ("then", "now")
    )
    return then, now


def test_the_winners_file_tells_what_the_ledger_tells(open_page: OpenPage, built_page: Path) -> None:
    with claude_lab(open_page, built_page, answer_from_first) as (lab, _):
        lab.begin(TEXT, {**SMALLEST, "final_seeds": 1})
        lab.wait_over(90)
        shown = lab.room.locator(".loop-result").inner_text()
        lines = lab.ledger()
        with lab.page.expect_download() as caught:
            lab.room.locator(".loop-result button:text-is('Export')").click()
        file = Path(caught.value.path()).read_bytes()
        lab.enter("watch")
        lab.import_policy("lighthouse.safetensors", file)
        measured = fitness_again(lab)
        words = lab.panel("watch").inner_text()
        told_by = [lab.page.evaluate(DESIGNED, json.dumps(claim)) for claim in CLAIMS]
        lab.enter("ask")
        lab.room.locator(".loop-result button:text-is('Watch it')").click()
        lab.panel("watch").locator("*:has(> input:checked) > .tag:text-is('designed')").wait_for()
        with lab.page.expect_download() as caught:
            lab.press("Export")
        assert not caught.value.suggested_filename.startswith("lighthouse")
        from_watch = Path(caught.value.path()).read_bytes()
        assert lab.notices() == []
    assert [told is None for told in told_by] == [False, *[True] * (len(CLAIMS) - 1)]
    trained, judged = by_member(lines, "train"), by_member(lines, "evaluate")
    fitness = {member: data["result"]["fitness"] for member, data in judged.items()}
    best = max(fitness, key=lambda member: fitness[member])
    assert len(fitness) == 3
    assert f"Fitness {fitness[best]:.3f}" in shown
    assert measured == (fitness[best], fitness[best])
    assert TEXT in words

    policy = load_policy(file)
    plain = save_policy(dataclasses.replace(policy, provenance=None))
    assert hashlib.sha256(plain).hexdigest() == trained[best]["result"]["policy"]
    told = policy.provenance
    assert told is not None
    brief = lines[0]["data"]["brief"]
    assert (told["text"], told["task"], told["model"]) == (TEXT, brief["task"], "claude-opus-5-5")
    assert told["member"] == best
    assert told["fitness"] == judged[best]["spec"]["fitness"]
    assert told["evaluation_seeds"] == judged[best]["spec"]["seeds"]
    assert told["winner"]["seeds"] == [trained["f3.0"]["spec"]["recipe"]["seed"]]
    assert told["ledger_hash"] == lines[-1]["hash"]
    assert from_watch == file
    for entry in told["lineage"]:
        recipe = trained[entry["id"]]["spec"]["recipe"]
        assert (entry["reward"], entry["seed"]) == (recipe["reward"], recipe["seed"])
        assert entry["fitness"] == fitness[entry["id"]]
    assert [entry["id"] for entry in told["lineage"]] == ancestors(best, fitness)


def ancestors(member: str, fitness: dict[str, float]) -> list[str]:
    """Whom a member of this file's loop comes from, itself first."""
    if member.startswith("f"):
        designed = [id_ for id_ in fitness if not id_.startswith("f")]
        return [member, *ancestors(max(designed, key=lambda id_: fitness[id_]), fitness)]
    return [member] if member == "g1.0" else [member, "g1.0"]


def test_a_finished_loop_goes_on_from_its_first_member(open_page: OpenPage, built_page: Path) -> None:
    with claude_lab(open_page, built_page, answer_from_first) as (lab, api):
        lab.begin(TEXT, SMALLEST)
        lab.wait_over(90)
        lab.wait_frames_here()  # nobody trains any more: what has learned acts
        before = lab.ledger()
        lab.room.locator(".timeline-dot[data-id='g1.0']").click()
        lab.room.get_by_role("button", name="Branch from here").click()
        lab.wait_status("training")
        lab.room.locator(".member[data-status='training'] button", has_text="Code").click()
        assert "Comes from A of generation 1, Balance A1." in lab.room.locator(".detail-more").inner_text()
        lab.page.get_by_role("button", name="Stop", exact=True).click()
        lab.wait_over(30)
        after = lab.ledger()
        assert lab.notices() == []
    assert [line["id"] for line in before] == [line["id"] for line in after[: len(before)]]
    assert after[len(before) - 1]["hash"] == before[-1]["hash"]
    branch, *later = after[len(before) :]
    assert (branch["kind"], branch["data"]) == ("branch", {"member": "g1.0"})
    answered = next(line["data"] for line in later if line["kind"] == "answer")
    assert [each["parents"] for each in answered["proposals"].values()] == [["g1.0"]]
    request = api.asked[2]
    said = [block for message in request["messages"] for block in message["content"]]
    proposed = [block["input"]["rewards"][0] for block in said if block["type"] == "tool_use"]
    assert {"name": "Balance A1", "reward": reward(1.0)}.items() <= proposed[0].items()
    assert "The person asks you to go on from A1 (Balance A1) alone" in said[-1]["text"]
    assert not any(pictures(each) for each in api.asked)


def test_claude_sees_how_the_robot_moved(open_page: OpenPage, built_page: Path) -> None:
    with claude_lab(open_page, built_page) as (lab, api):
        lab.page.locator(".ask-setup details > summary").click()
        lab.page.check("#ask-images")
        lab.begin(TEXT, SMALLEST)
        lab.page.wait_for_selector(".timeline-dot", timeout=60_000)
        lab.wait_status("training")
        lab.page.get_by_role("button", name="Stop", exact=True).click()
        lab.wait_over(30)
        assert lab.notices() == []
    first, second = api.asked
    assert pictures(first) == []
    (picture,) = pictures(second)
    assert picture["source"]["media_type"] == "image/png"
    assert second["messages"][-1]["content"][-1]["type"] == "image"
    sheet = Image.open(io.BytesIO(base64.b64decode(picture["source"]["data"], validate=True)))
    assert sheet.format == "PNG"
    width, height = sheet.size
    assert 640 <= width <= 1568
    assert width == 2 * height
    colours = sheet.convert("RGB").getcolors(width * height)
    assert colours is not None
    (most, _), *_ = sorted(colours, reverse=True)
    assert len(colours) > 16
    assert 0.5 < most / (width * height) < 0.99, "a robot on an even ground"
