"""A page that is killed between any two stages of a loop: the same comes out, and nothing is asked twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tabrl_py.meta.ledger import canonical
from tabrl_py.meta.loop import replay
from tests.browser.ask_claude import KEY, answer
from tests.browser.ask_lab import TINY, AskLab
from tests.messages_api import running_messages_api
from tests.servers import served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.own_server("Claude is asked through its relay"),
    pytest.mark.timeout(1200),
]

OpenPage = Callable[..., Page]
SIZE = (800, 500)
"""Chromium paints the stage with the processor that the workers need."""
HELD = "document.documentElement.dataset.held"
HOLD = f"""(() => {{
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (...given) {{
    if (this.name !== "lines" || given[1][1] < LIMIT) return put.apply(this, given);
    this.transaction.oncomplete = this.transaction.onabort = null;
    {HELD} = "true";
  }};
}})();"""
"""The page's database takes no line of the ledger from one on, and never says so: the moment to kill it."""
WAIT = f"""() => {HELD} !== undefined
  || document.getElementById("ask")?.dataset.over === "true"
  || (document.getElementById("ask")?.dataset.state === "live"
    && document.getElementById("ask-freeze")?.offsetParent
    && !document.getElementById("ask-freeze").disabled)"""


def visit(context: BrowserContext, address: str, hold_at: int | None, errors: list[str]) -> AskLab:
    """Open the page in the room; it is held when it is to keep the line of this number."""
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    if hold_at is not None:
        page.add_init_script(HOLD.replace("LIMIT", str(hold_at)))
    page.goto(address)
    lab = AskLab(page)
    lab.open_room()
    return lab


def begin(lab: AskLab, members: int) -> None:
    lab.wait_models()
    lab.page.select_option("#ask-fitness", "proposed")
    lab.begin("Stand like a lighthouse", {**TINY, "members": members, "evaluation_seeds": 1})


def go_on(lab: AskLab) -> bool:
    """Take the fitness when it is offered; whether the loop came to its end, else it was held."""
    while True:
        lab.page.wait_for_function(WAIT, timeout=300_000)
        if lab.page.evaluate(f"() => {HELD} !== undefined"):
            return False
        if lab.room.get_attribute("data-over") == "true":
            return True
        lab.page.click("#ask-freeze")
        lab.page.wait_for_function(
            f"() => {HELD} !== undefined || document.getElementById('ask-freeze').offsetParent === null"
        )


def boundaries(lines: list[dict[str, Any]], *, every: bool) -> list[int]:
    """Numbers of lines that begin something else than the line before; an answer belongs to its request.

    Args:
        lines: of a ledger.
        every: else only the first of those between the same two things.
    """
    kinds = [line["kind"] for line in lines]
    steps = [
        (number, kinds[number - 1 : number + 1])
        for number in range(1, len(kinds))
        if kinds[number] != kinds[number - 1] and kinds[number] != "answer"
    ]
    between = [step for _, step in steps]
    return [number for at, (number, step) in enumerate(steps) if every or step not in between[:at]]


@pytest.mark.parametrize(("members", "every"), [(1, False), pytest.param(2, True, marks=pytest.mark.slow)])
def test_killed_at_every_boundary(open_page: OpenPage, built_page: Path, members: int, every: bool) -> None:
    """Once between any two stages that follow each other; with `-m slow` wherever they do."""
    found: list[tuple[list[dict[str, Any]], list[Any]]] = []
    errors: list[str] = []
    holds: list[int] = []
    for _ in range(2):
        # The second time round: killed wherever the first loop's ledger went on to something else.
        with (
            running_messages_api(answer, keys=[KEY]) as api,
            served(built_page, "--upstream", api.address, key=KEY) as address,
        ):
            context = open_page(f"{address}/build.json", size=SIZE, expected_errors=["favicon.ico"]).context
            lab = visit(context, address, holds[0] if holds else None, errors)
            begin(lab, members)
            for held, following in zip(holds, [*holds[1:], None][: len(holds)], strict=True):
                assert not go_on(lab), f"over before line {held}"
                lab.page.close()
                lab = visit(context, address, following, errors)
                assert lab.room.get_attribute("data-state") == "kept"
                assert lab.page.locator("#panel-ask .ledger li").count() == held
                lab.page.click("#ask-continue")
            assert go_on(lab)
            found.append((lab.ledger(), api.asked))
            assert lab.notices() == []
        holds = boundaries(found[0][0], every=every)
    (whole, asked), (pieces, asked_again) = found
    kinds = [whole[number]["kind"] for number in holds]
    assert {"reserve", "check", "freeze", "train", "evaluate"} <= set(kinds)
    assert len(holds) >= 8
    assert errors == []
    assert [line["id"] for line in pieces] == [line["id"] for line in whole]
    assert asked_again == asked
    assert pieces[-1]["hash"] == whole[-1]["hash"]
    assert replay([canonical(line) for line in pieces]).ledger.hash == whole[-1]["hash"]
