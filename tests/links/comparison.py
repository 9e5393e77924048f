"""What Python and the page make of the same links, compared."""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from tabrl_py.policy.link import SharedPolicy, policy_values, read_link, recipe_values
from tabrl_py.policy.link_layout import LAYOUT
from tabrl_py.policy.link_record import LinkError, pack
from tests.links.page import LinkPage

AT_ONCE = 200
TRIES = 5


@dataclass
class Verdicts:
    """What became of the links of a corpus.

    Attributes:
        links: how many there were.
        accepted: by both.
        words: what was refused, by its first words.
        faults: what must not be: other errors than LinkError, readers that disagree, too slow an answer.
        slowest_ms: in Python, in JavaScript.
    """

    links: int = 0
    accepted: int = 0
    words: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_ms: tuple[float, float] = (0.0, 0.0)


def read_in_python(link: str) -> tuple[str | None, bytes, float]:
    """The refusal's words, or None and the payload that the link's content makes again; and milliseconds."""
    begun = time.perf_counter()
    try:
        shared = read_link(link)
    except LinkError as error:
        return str(error), b"", 1000.0 * (time.perf_counter() - begun)
    ms = 1000.0 * (time.perf_counter() - begun)
    if isinstance(shared, SharedPolicy):
        values = policy_values(shared.policy, shared.name, shared.made, "int8")
        return None, pack(LAYOUT["policy"]["fields"], values), ms
    return None, pack(LAYOUT["recipe"]["fields"], recipe_values(shared.recipe, shared.name, shared.made)), ms


def compare(links: Iterable[str], page: LinkPage, most_ms: float = 100.0) -> Verdicts:
    """Read every link on both sides."""
    verdicts = Verdicts()
    rest = iter(links)
    while batch := list(islice(rest, AT_ONCE)):
        for link, answer in zip(batch, page.ask("many", links=batch), strict=True):
            _judge(verdicts, link, answer, page, most_ms)
    return verdicts


def _judge(verdicts: Verdicts, link: str, answer: dict[str, object], page: LinkPage, most_ms: float) -> None:
    verdicts.links += 1
    try:
        words, payload, ms = read_in_python(link)
    except Exception as error:  # any but a LinkError is a fault
        verdicts.faults.append(f"Python raised {type(error).__name__}: {error}: {link[:200]}")
        return
    page_ms = float(str(answer["ms"]))
    for _ in range(TRIES):
        # A reader that hangs does so every time; a processor that others use does not.
        if max(ms, page_ms) > most_ms:
            ms = min(ms, read_in_python(link)[2])
            page_ms = min(page_ms, float(page.ask("read", link=link)["ms"]))
    verdicts.slowest_ms = (max(verdicts.slowest_ms[0], ms), max(verdicts.slowest_ms[1], page_ms))
    if max(ms, page_ms) > most_ms:
        verdicts.faults.append(f"{ms:.0f} ms in Python, {page_ms:.0f} ms in JavaScript: {link[:200]}")
    refused = answer.get("refused")
    if refused is False:
        verdicts.faults.append(f"JavaScript raised {answer['words']}: {link[:200]}")
    elif (words is None) != (refused is None):
        verdicts.faults.append(
            f"Python: {words or 'accepted'}; page: {answer.get('words', 'accepted')}: {link}"
        )
    elif words is not None:
        verdicts.words[" ".join(words.split()[:5])] += 1
    else:
        verdicts.accepted += 1
        again = str(answer.get("again") or "")
        if again and base64.b64decode(again) != payload:
            verdicts.faults.append(f"Python and the page write other bytes for {link[:200]}")
