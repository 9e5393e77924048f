"""One recipe, one policy, byte for byte: any browser, Node.js, any number of workers, isolated or not."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tabrl_py.policy import load_policy
from tabrl_py.tasks import get_task
from tabrl_py.tasks.recipes import default_recipe
from tests.firefox import Firefox, FirefoxPage

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent
DRIVER = (HERE / "train_in_workers.js").read_text(encoding="utf-8")
TRAIN = "({ recipe, members }) => tabrlWorkers.train(recipe, members)"
BOOT_MS = 240_000


def recipe_of(task: str, algorithm: str, **changes: object) -> dict[str, Any]:
    """A short run: its settings by dotted name, a dot written as two underscores."""
    dotted = {name.replace("__", "."): value for name, value in changes.items()}
    return default_recipe(get_task(task), algorithm, dotted).to_json()


SHORT = {"algo__n_steps": 32, "algo__minibatch_size": 128, "algo__n_epochs": 2}
SHARED: Mapping[str, dict[str, Any]] = {
    "walk": recipe_of("humanoid-walk", "ppo", n_envs=16, total_steps=3 * 512, **SHORT),
    "angles": recipe_of(
        "InvertedDoublePendulum-v5", "ppo", n_envs=8, total_steps=12 * 256, kernels="numpy",
        algo__lr_schedule="adaptive", network__activation="elu", **SHORT,
    ),
    "reinforce": recipe_of("Hopper-v5", "reinforce", n_envs=8, total_steps=2 * 256, algo__n_steps=32),
}  # fmt: skip
"""Recipes that several workers can learn together."""
ALONE: Mapping[str, dict[str, Any]] = {
    "ars": recipe_of("Hopper-v5", "ars", n_envs=8, total_steps=2000),
    "sac": recipe_of(
        "Hopper-v5", "sac", n_envs=8, total_steps=512, algo__warmup_steps=256, network__hidden=(32, 32)
    ),
}
RECIPES = {**SHARED, **ALONE}

Train = Callable[[str, int], dict[str, str]]
"""`train(recipe's name, members)`: the policy file in base64, and the name of the arithmetic."""


def in_page(page: Page | FirefoxPage, url: str, workers: int) -> Train:
    """Workers of a page's address, in an open page that has nothing else to do."""
    page.evaluate(f"() => {{ {DRIVER} }}")
    page.evaluate("([root, count]) => tabrlWorkers.boot(root, count)", [url, workers])

    def train(name: str, members: int) -> dict[str, str]:
        done: dict[str, str] = page.evaluate(TRAIN, {"recipe": RECIPES[name], "members": members})
        return done

    return train


def in_chromium(browser: Browser, url: str) -> Iterator[Train]:
    page = browser.new_page()
    page.set_default_timeout(BOOT_MS)
    page.goto(f"{url}errors.js")
    yield in_page(page, url, 4)
    page.close()


@pytest.fixture(scope="module")
def isolated_chromium(chromium: Browser, isolated_url: str) -> Iterator[Train]:
    yield from in_chromium(chromium, isolated_url)


@pytest.fixture(scope="module")
def plain_chromium(chromium: Browser, plain_url: str) -> Iterator[Train]:
    yield from in_chromium(chromium, plain_url)


@pytest.fixture(scope="module")
def isolated_firefox(firefox: Firefox, isolated_url: str) -> Iterator[Train]:
    page = firefox.open(f"{isolated_url}errors.js")
    yield in_page(page, isolated_url, 2)
    page.close()


@pytest.fixture(scope="module")
def expected(isolated_chromium: Train) -> Mapping[str, bytes]:
    """Each recipe's policy, learned by one worker in Chromium."""
    done = {name: isolated_chromium(name, 1) for name in RECIPES}
    assert done["angles"]["arithmetic"] == "numpy"
    assert done["walk"]["arithmetic"] == "compiled"
    policies = {name: base64.b64decode(each["policy"]) for name, each in done.items()}
    for name, policy in policies.items():
        assert load_policy(policy).steps >= RECIPES[name]["total_steps"]
    return policies


@pytest.mark.parametrize("members", [2, 4])
@pytest.mark.parametrize("name", SHARED)
def test_more_workers_learn_the_same(
    isolated_chromium: Train, expected: Mapping[str, bytes], name: str, members: int
) -> None:
    assert base64.b64decode(isolated_chromium(name, members)["policy"]) == expected[name]


@pytest.mark.parametrize("members", [1, 2, 4])
def test_without_isolation_they_learn_the_same(
    plain_chromium: Train, expected: Mapping[str, bytes], members: int
) -> None:
    for name in SHARED:
        assert base64.b64decode(plain_chromium(name, members)["policy"]) == expected[name], name


@pytest.mark.parametrize("members", [1, 2])
def test_firefox_learns_the_same(
    isolated_firefox: Train, expected: Mapping[str, bytes], members: int
) -> None:
    for name in RECIPES if members == 1 else SHARED:
        assert base64.b64decode(isolated_firefox(name, members)["policy"]) == expected[name], name


def test_node_learns_the_same(built_page: Path, expected: Mapping[str, bytes], tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node is not None
    jobs = [(name, 1, True) for name in RECIPES]
    jobs += [(name, 2, shared) for name in SHARED for shared in (True, False)]
    text = json.dumps([{"recipe": RECIPES[name], "members": n, "shared": shared} for name, n, shared in jobs])
    command = [node, str(HERE / "node_page.mjs"), str(built_page), str(tmp_path / "page"), text]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)
    assert result.returncode == 0, result.stderr[-3000:]
    for job, done in zip(jobs, json.loads(result.stdout), strict=True):
        assert base64.b64decode(done["policy"]) == expected[job[0]], job
