"""Blocks between the workers of a team: real threads, shared memory and message channels."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DRIVER = Path(__file__).with_name("exchange_team.mjs")
WAYS = ["shared", "messages"]


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workers' modules where Node.js takes them for modules."""
    folder = tmp_path_factory.mktemp("modules") / "workers"
    shutil.copytree(ROOT / "web" / "workers", folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def team(modules: Path, **job: Any) -> list[dict[str, Any]]:
    """What each member of a team saw."""
    found: list[dict[str, Any]] = run(
        modules, DRIVER, json.dumps({"seed": 1, "most": 700, "slot": 200, **job})
    )
    return found


def run(modules: Path, script: Path, *arguments: str) -> Any:
    node = shutil.which("node")
    assert node is not None
    command = [node, str(script), modules.as_uri(), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize(("members", "rounds"), [(2, 3000), (3, 1500), (4, 1000)])
def test_every_member_sees_the_same_blocks_either_way(modules: Path, members: int, rounds: int) -> None:
    found = [team(modules, way=way, members=members, rounds=rounds) for way in WAYS]
    assert [[each["wrong"] for each in seen] for seen in found] == [[0] * members] * 2
    assert len({each["digest"] for seen in found for each in seen}) == 1
    assert all(each["wakes"] > 0 for each in found[1])
    assert all(each["wakes"] == 0 for each in found[0])


@pytest.mark.parametrize("slot", [4, 64, 700, 5000])
def test_the_slots_size_changes_nothing(modules: Path, slot: int) -> None:
    digests = {
        each["digest"]
        for size in (slot, 701)
        for each in team(modules, way="shared", members=2, rounds=100, slot=size, seed=slot)
    }
    assert len(digests) == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_member_that_stops_leaves_the_others_free(modules: Path, way: str) -> None:
    stopped, *others = team(
        modules, way=way, members=3, rounds=200, most=100, stop={"member": 0, "round": 150}
    )
    assert stopped["rounds"] == 150
    assert [each["rounds"] for each in others] == [150, 150]
    for each in others:
        assert 5 < each["tries"] <= 22, "in 400 ms: about 20 ms each time, in shared memory within arrived()"
        assert each["wrong"] == 0
        assert each["longest_ms"] < 200, "20 ms, and what a busy machine adds"


ALONE = """
const { joinTeam, SharedExchange, MessageExchange } = await import(`${process.argv[2]}/exchange.js`);
const said = (act) => {
  try { return act() ?? "nothing"; } catch (error) { return `${error.name}: ${error.message}`; }
};
const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
const found = {};
found.alone = joinTeam(null, () => {});
found.member_of_one = joinTeam({ members: 1, me: 0 }, () => {});
found.nothing_given = said(() => joinTeam({ members: 2, me: 0 }, () => {}));
found.small = said(() => joinTeam({ members: 2, me: 0, buffer: new SharedArrayBuffer(128) }, () => {}));

const buffer = new SharedArrayBuffer(2 * (64 + 2 * 8));
const [a, b] = [0, 1].map((me) => new SharedExchange(buffer, 2, me));
a.offer(Uint8Array.of(1, 2, 3));
found.early = said(() => a.offer(Uint8Array.of(4)));
a.close();
b.offer(new Uint8Array(0));
found.shared_closed = [a.arrived(), b.arrived()];
found.shared_blocks = [...b.block(0), "then", ...b.block(1)];

const { port1, port2 } = new MessageChannel();
const woken = [];
const c = new MessageExchange([null, port1], 0, () => woken.push("c"));
const d = new MessageExchange([port2, null], 1, () => woken.push("d"));
c.offer(Uint8Array.of(5));
found.early_message = said(() => c.offer(Uint8Array.of(6)));
await pause();
found.before = [c.arrived(), d.arrived(), ...woken];
d.offer(Uint8Array.of(7));
await pause();
found.after = [c.arrived(), d.arrived(), ...woken, ...c.block(1), ...d.block(0)];
d.offer(Uint8Array.of(8));
c.close();
await pause();
found.message_closed = [c.arrived(), d.arrived()];

const old = new MessageChannel();
const late = new MessageExchange([null, old.port1], 0, () => woken.push("old"));
late.offer(Uint8Array.of(1));
late.close();
const next = new MessageChannel();
const present = new MessageExchange([null, next.port1], 0, () => woken.push("next"));
present.offer(Uint8Array.of(2));
old.port2.postMessage({ round: 1, block: Uint8Array.of(66) });
await pause();
found.late = [present.arrived(), ...woken.filter((name) => name !== "c" && name !== "d")];
next.port2.postMessage({ round: 3, block: Uint8Array.of(66) });
const failed = new Promise((resolve) => process.once("uncaughtException", (error) => resolve(error.message)));
found.out_of_step = await failed;
for (const each of [port2, next.port1, old.port2]) each.close();
console.log(JSON.stringify(found));
"""


def test_what_an_exchange_refuses(modules: Path, tmp_path: Path) -> None:
    script = tmp_path / "alone.mjs"
    script.write_text(ALONE)
    early = "Error: A block was offered before those of the last exchange had arrived"
    assert run(modules, script) == {
        "alone": None,
        "member_of_one": None,
        "nothing_given": "Error: team of 2: neither shared memory nor 2 ports were given",
        "small": "RangeError: 128 bytes are too few for 2 members; give each 72 or more",
        "early": early,
        "shared_closed": [False, True],
        "shared_blocks": [1, 2, 3, "then"],
        "early_message": early,
        "before": [False, False],
        "after": [True, True, "c", 7, 5],
        "message_closed": [False, False],
        "late": [False],
        "out_of_step": "Member 1 sent round 3 while this one is at 1",
    }
