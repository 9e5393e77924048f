"""Hostile code in a real browser: the corpus, the sealed worker, the watchdog, and what siblings notice."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Request

from tabrl_py.config import NetworkConfig, PPOConfig, Recipe
from tabrl_py.policy import load_policy, save_policy
from tabrl_py.rewards.measure import measure_fitness
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task, with_signals
from tests.security.case import GOOD, computing
from tests.security.corpus import CORPUS
from tests.security.faulty_package import with_faults
from tests.security.tab import Canary, Tab, canary
from tests.servers import served
from wasm.build import dist

pytestmark = pytest.mark.browser

WALK = "humanoid-walk"
WALKER = Path(__file__).parents[2] / "web" / "policies" / "humanoid-walk.safetensors"
SIBLING = Recipe(
    task="InvertedPendulum-v5",
    total_steps=16 * 64 * 12,
    n_envs=16,
    network=NetworkConfig(hidden=(32, 32)),
    algo=PPOConfig(minibatch_size=256),
)
GLOBALS = [
    *("fetch", "XMLHttpRequest", "WebSocket", "EventSource", "indexedDB", "caches", "postMessage"),
    *("Worker", "SharedWorker", "BroadcastChannel", "importScripts", "WebTransport"),
]
EVER_ONE = "def reward(s):\n    return 1.0, {'one': 1.0}\n"
UNSOUND = "def reward(s):\n    return s.x, {'a': 1.0}\n"
HANGING = "def reward(s):\n    x = hang(s)\n    return x, {'a': x}\n"
HANG_LIMIT_MS = 2_000
MOST_STALL_MS = 100
TRIED_IN_FULL = 60
"""So many of the cases that the check refuses are sent to the trial, too: it must not be reached."""


@dataclass
class Scene:
    """One page for all tests of this file, and what was asked of any server since it was ready.

    Attributes:
        tab: the page; its workers run a package in which the library of terms is at fault.
        bird: the canary.
        asked: addresses.
    """

    tab: Tab
    bird: Canary
    asked: list[str]


@pytest.fixture(scope="module")
def scene(chromium: Browser) -> Iterator[Scene]:
    page_folder = dist.build()
    with served(page_folder) as address, canary() as bird:
        faulty = with_faults(Path(page_folder, "runtime/tabrl_py.zip"), bird.address)
        context = chromium.new_context()
        context.route("**/runtime/tabrl_py.zip", lambda route: route.fulfill(body=faulty))
        page = context.new_page()
        page.goto(f"{address}/build.json")
        tab = Tab(page)
        tab.open(("evaluator", "evaluator"), ("sibling", "trainer"), ("hostile", "trainer"))
        asked: list[str] = []

        def note(request: Request) -> None:
            asked.append(request.url)

        context.on("request", note)
        yield Scene(tab, bird, asked)
        context.close()


def undisturbed(tab: Tab, attack: Callable[[int], object]) -> None:
    """Attack, and see that the page never stands still: what an attack does, it does every time.

    A stall that other programs of the machine caused does not come again, so there are three tries.
    """
    stalls = []
    for time in range(3):
        tab.begin_watching()
        attack(time)
        stalls.append(tab.longest_task_ms())
        if stalls[-1] < MOST_STALL_MS:
            return
    raise AssertionError(f"the page stood still for {stalls} ms in three attacks")


def start(reward: str = "", task: str = WALK) -> dict[str, object]:
    recipe = Recipe(task=task, n_envs=16, total_steps=1024, algo=PPOConfig(minibatch_size=256), reward=reward)
    return {"type": "start_training", "recipe": recipe.to_json(), "visible": 0}


def start_sibling() -> dict[str, object]:
    return {"type": "start_training", "recipe": SIBLING.to_json(), "visible": 0}


def test_the_whole_corpus_ends_in_the_tab_where_it_ends_natively(scene: Scene) -> None:
    tab = scene.tab
    full = 0
    sources = []
    for case in CORPUS:
        try:
            case.source.encode()
        except UnicodeEncodeError:
            # Half a letter cannot be sent.
            continue
        full += case.where == "check"
        sources.append((case, case.where != "check" or full <= TRIED_IN_FULL))
    tab.page.evaluate(
        "sources => { tab.sources = sources }",
        [[case.source, case.function, tried] for case, tried in sources],
    )
    undisturbed(tab, lambda _: tab.page.evaluate("([...given]) => tab.tryAll(...given)", ["evaluator", WALK]))
    answers = tab.page.evaluate("tab.answers")
    assert len(answers) == len(sources) > 700
    for (case, _), answer in zip(sources, answers, strict=True):
        assert "refused" not in answer, (case.name, answer)
        assert bool(answer["problems"]) == (case.where != "harmless"), (case.name, answer)
        reached = answer["ms_per_4096"] > 0
        assert not (case.where == "check" and reached), (case.name, answer)
    assert scene.bird.asked == []
    assert scene.asked == []


def test_the_worker_has_nothing_to_reach_out_with(scene: Scene) -> None:
    """Even code that were free in Python and in JavaScript finds no door."""
    tab = scene.tab
    answer = tab.ask("evaluator", {"type": "try_code", "source": computing("doors(s)")}, WALK)
    assert answer["problems"] == []
    assert answer["total"] == [0, 0, 0]
    sealed = [worker for worker in tab.page.workers if "python_worker.js" in worker.url]
    assert len(sealed) == 3
    for worker in sealed:
        assert worker.evaluate(f"{GLOBALS}.filter((name) => globalThis[name] !== undefined)") == []
        assert worker.evaluate("['storage','locks'].filter((name) => navigator[name] !== undefined)") == []
        imported = f"import('{scene.bird.address}x.js').then(() => 'came', () => 'refused')"
        assert worker.evaluate(imported) == "refused"
    assert scene.bird.asked == []


def test_a_hanging_reward_ends_alone_and_soon_and_its_sibling_learns_the_same(scene: Scene) -> None:
    tab = scene.tab
    tab.send("sibling", start_sibling(), SIBLING.task)
    alone = tab.policy("sibling")
    tab.open(("again", "trainer"))

    def attack(time: int) -> None:
        name = "hostile"
        if time > 0:
            name = f"hostile-{time}"
            tab.open((name, "trainer"))
            tab.begin_watching()
        else:
            tab.send("again", start_sibling(), SIBLING.task)
        for reward in (UNSOUND, "import js", "def reward(s):\n    while 1: pass", GOOD, HANGING):
            tab.send(name, start(reward), WALK)
        tab.page.evaluate("name => tab.gone(name)", name)
        ran, lost = tab.page.evaluate("name => [tab.ran[name], tab.lost[name]]", name)
        assert lost["at"] - ran < HANG_LIMIT_MS
        assert lost["title"] == "The reward code does not come back"
        failed = [message["message"] for message in tab.said(name, "failed")]
        assert [text.split(":")[1].strip() for text in failed] == ["line 2", "line 1", "line 2"]

    undisturbed(tab, attack)
    assert tab.policy("again") == alone
    assert scene.bird.asked == []


def test_fitness_in_the_tab_is_the_same_whatever_reward_a_policy_names(scene: Scene) -> None:
    """Weights alone count: a reward that claims everything, or is no code at all, changes nothing."""
    walker = load_policy(WALKER.read_bytes())
    task, seeds = get_task(WALK), [11, 12]
    native = measure_fitness(walker, task, "", NativeBatchSim(with_signals(task), 2), seeds)
    message = {"type": "measure_fitness", "fitness": "", "seeds": seeds}
    answers = []
    for reward in ("", "def reward(s):\n    return 1e5, {'a': 1e5}", "import js"):
        policy = save_policy(replace(walker, recipe={**walker.recipe, "reward": reward}))
        answer = scene.tab.measure("evaluator", message, policy, WALK)
        answers.append({key: value for key, value in answer.items() if key != "id"})
    assert answers[0] == answers[1] == answers[2]
    # A walk of 25 s doubles the last bits in which the two engines differ until no step is the same.
    assert answers[0]["per_seed"] == pytest.approx(native.per_seed, abs=0.05)
    assert answers[0]["lengths"] == native.lengths
    assert answers[0]["metrics"].keys() == native.metrics.keys()


def test_a_hanging_fitness_ends_the_evaluator_alone(scene: Scene) -> None:
    tab = scene.tab
    source = HANGING.replace("reward", "fitness")
    answer = tab.ask("evaluator", {"type": "try_code", "source": source, "function": "fitness"}, WALK)
    assert "did not end" in answer["refused"]
    ran, lost = tab.page.evaluate("[tab.ran.evaluator, tab.lost.evaluator]")
    assert lost["at"] - ran < HANG_LIMIT_MS


def test_a_run_that_its_own_reward_stops_says_so(scene: Scene) -> None:
    """The page replaces the worker once, then tells whose fault it is; unsound code is told with its line."""
    tab = scene.tab
    recipe = {**Recipe(task=WALK, n_envs=16, total_steps=1024, algo=PPOConfig(minibatch_size=256)).to_json()}
    over = tab.page.evaluate("recipe => tab.train(recipe)", {**recipe, "reward": HANGING})
    assert over["state"] == "failed"
    assert "The reward code does not come back" in over["words"]
    unsound = {**recipe, "reward": UNSOUND}
    over = tab.page.evaluate("recipe => tab.train(recipe)", unsound)
    assert over["state"] == "failed"
    assert "The reward code cannot be used" in over["words"]
    assert "line 2" in over["words"]


def test_an_honest_run_is_never_taken_for_a_hanging_one(scene: Scene) -> None:
    """Long updates between short calls of reward code: the worker lives, and its policy carries the code."""
    tab = scene.tab
    tab.open(("honest", "trainer"))
    recipe = Recipe(
        task=WALK,
        n_envs=64,
        total_steps=64 * 64,
        kernels="numpy",
        network=NetworkConfig(hidden=(256, 256)),
        algo=PPOConfig(n_steps=64, minibatch_size=4096, n_epochs=3),
        reward=GOOD,
    )
    tab.send("honest", {"type": "start_training", "recipe": recipe.to_json(), "visible": 0}, WALK)
    tab.page.evaluate(
        "tab.until(() => tab.got.honest.some((m) => m.type === 'progressed') || tab.lost.honest)"
    )
    assert tab.page.evaluate("tab.lost.honest ?? null") is None
    (progress,) = [message["progress"] for message in tab.said("honest", "progressed")]
    assert progress["seconds_by_part"]["learning"] > 2.0
    assert set(progress["reward_terms"]) == {"a"}
    assert progress["seconds_by_part"]["reward"] < 0.1 * progress["seconds_by_part"]["physics"]
    tab.page.evaluate("tab.clients.honest.close()")


def test_a_policy_trained_with_code_can_be_watched(scene: Scene) -> None:
    """Its file carries the code, Python plays it, and its returns are counted in that reward."""
    tab = scene.tab
    walker = load_policy(WALKER.read_bytes())
    coded = replace(walker, recipe={**walker.recipe, "reward": EVER_ONE})
    data = base64.b64encode(save_policy(coded)).decode()
    watched = tab.page.evaluate("([...given]) => tab.watch(...given)", [data, coded.recipe, WALK])
    assert watched["python"]
    assert watched["returns"] == pytest.approx(watched["steps"])
    assert watched["mean"] == 1000.0
