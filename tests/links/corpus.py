"""Links that are right, and what can become of them: cut, changed, forged."""

from __future__ import annotations

import base64
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from tabrl_py.config import Recipe
from tabrl_py.policy import load_policy
from tabrl_py.policy.link import policy_link, recipe_link, unwrap
from tabrl_py.policy.link_layout import LAYOUT, VERSION
from tabrl_py.tasks import TASKS
from tabrl_py.tasks.recipes import default_recipe
from tests.links.page import POLICIES

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
PUT_IN = (*ALPHABET, "%", "=", " ", "é", "\u0000")
REWARD = "def reward(s):\n    return s.upright, {'upright': s.upright}\n"
HOSTILE = '<img src=x onerror="window.pwned=1"></script><script>window.pwned=1</script>'


def sound_links() -> list[str]:
    """Links of every shipped policy, of recipes of every algorithm and of a small network."""
    links = []
    for path in POLICIES:
        policy = load_policy(path.read_bytes())
        links += [
            policy_link(policy, path.stem, "trained in the tab"),
            recipe_link(_recipe(policy.recipe), "r"),
        ]
    links += [recipe_link(default_recipe(task, "sac"), HOSTILE[:100]) for task in list(TASKS.values())[:3]]
    links += [recipe_link(replace(default_recipe(task), reward=REWARD), "coded") for task in TASKS.values()]
    return links


def _recipe(record: dict[str, object]) -> Recipe:
    return Recipe.from_json(record)


def forge(kind: str, payload: bytes) -> str:
    """A link around any payload, its checksum right."""
    deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
    return seal(kind, deflate.compress(payload) + deflate.flush())


def seal(kind: str, packed: bytes) -> str:
    """A link around any data, its checksum right."""
    raw = bytes([VERSION]) + zlib.crc32(packed).to_bytes(4, "little") + packed
    return f"#{LAYOUT[kind]['key']}={base64.urlsafe_b64encode(raw).decode().rstrip('=')}"


def mutate(rng: random.Random, data: bytes) -> bytes:
    """Some bytes changed, taken out, put in, doubled or cut off."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        # The fields that have a meaning of their own lie in front.
        reach = len(out) if rng.random() < 0.3 else min(len(out), 300)
        at = rng.randrange(reach) if reach else 0
        match rng.randrange(7):
            case 0 if out:
                out[at] = rng.randrange(256)
            case 1 if out:
                out[at] ^= 1 << rng.randrange(8)
            case 2:
                out[at:at] = rng.randbytes(rng.choice((1, 2, 8, 100)))
            case 3:
                del out[at : at + rng.choice((1, 2, 8, 100))]
            case 4:
                out[at : at + 2] = rng.choice(
                    (b"\xff\xff", b"\x80\x80", b"\x00\x00", b"\xed\xa0", b"\x80\x00")
                )
            case 5:
                out[at:at] = out[at : at + 20]
            case _:
                del out[at + 1 :]
    return bytes(out)


def cases(count: int, seed: int) -> Iterator[str]:
    """That many links, most of them wrong; the same for the same seed."""
    rng = random.Random(seed)
    sound = sound_links()
    payloads = [unwrap(link) for link in sound]
    recipes = [pair for pair in payloads if pair[0] == "recipe"]

    def cut() -> str:
        link = rng.choice(sound)
        return link[: rng.randrange(len(link))]

    def changed() -> str:
        link = rng.choice(sound)
        at = rng.randrange(3, len(link))
        put: str = rng.choice(PUT_IN)
        return link[:at] + put + link[at + rng.randrange(2) :]

    def resealed() -> str:
        kind, payload = rng.choice(payloads if rng.random() < 0.3 else recipes)
        deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
        return seal(kind, mutate(rng, deflate.compress(payload) + deflate.flush()))

    def forged() -> str:
        kind, payload = rng.choice(payloads if rng.random() < 0.3 else recipes)
        return forge(kind if rng.random() < 0.95 else rng.choice(("policy", "recipe")), mutate(rng, payload))

    def noise() -> str:
        return rng.choice(("#p=", "#r=", "#x=", "")) + "".join(rng.choices(ALPHABET, k=rng.randrange(200)))

    def bomb() -> str:
        return forge(rng.choice(("policy", "recipe")), bytes(rng.choice((600_001, 3_000_000))))

    kinds: list[Callable[[], str]] = [cut, changed, resealed, forged, noise, bomb]
    yield from sound[: max(0, count)]
    for _ in range(count - len(sound)):
        yield rng.choices(kinds, weights=(20, 20, 20, 38, 2, 0.05))[0]()
