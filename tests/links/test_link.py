"""Share links: the same bytes in Python and in the page, in both directions; everything else is refused."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tabrl_py.config import Recipe
from tabrl_py.nn.mlp import parameter_count
from tabrl_py.policy import Policy, link_layout, load_policy, save_policy
from tabrl_py.policy.link import (
    SharedPolicy,
    SharedRecipe,
    policy_link,
    policy_values,
    read_link,
    recipe_link,
    recipe_values,
    unwrap,
)
from tabrl_py.policy.link_layout import LAYOUT
from tabrl_py.policy.link_record import LinkError, pack
from tabrl_py.tasks import TASKS, get_task
from tabrl_py.tasks.recipes import default_recipe
from tests.links.comparison import compare
from tests.links.corpus import HOSTILE, REWARD, cases, forge
from tests.links.guided import guided_cases
from tests.links.page import POLICIES, LinkPage, text

LONGEST = 9_000
LONGEST_OF = {"humanoid-command": 19_800}
"""Characters of a policy's link; larger networks than 64 and 64 units have longer ones."""
TASK = get_task("humanoid-stand")


def shipped() -> list[Any]:
    return [pytest.param(path, id=path.stem) for path in POLICIES]


def small_policy(sizes: tuple[int, ...], **changes: Any) -> Policy:
    rng = np.random.default_rng(len(sizes))
    count = parameter_count(sizes) + sizes[-1]
    settings: dict[str, Any] = {
        "activation": "relu",
        "params": rng.normal(0.0, 0.5, count).astype(np.float32),
        "obs_mean": rng.normal(0.0, 3.0, sizes[0]),
        "obs_var": rng.uniform(1e-6, 50.0, sizes[0]),
        "obs_count": 1234.0,
        "steps": 77,
        **changes,
    }
    task = settings.pop("task", TASK.id)
    return Policy(
        task=task,
        model=TASK.model,
        layout_version=TASK.layout_version,
        sizes=sizes,
        action_low=TASK.action_low,
        action_high=TASK.action_high,
        **settings,
    )


def test_the_description_of_the_page_is_current(tmp_path: Path) -> None:
    assert link_layout.main(["--check"]) == 0
    assert link_layout.main(["--check", "--out", str(tmp_path / "none.js")]) == 1


@pytest.mark.parametrize("precision", ["int8", "f16"])
@pytest.mark.parametrize("path", shipped())
def test_a_shipped_policy_goes_round_in_both_directions(path: Path, precision: str, page: LinkPage) -> None:
    policy = load_policy(path.read_bytes())
    words = {"name": "Läufer, 步行", "made": "PPO, 2.5 M steps, seed 1, trained in the tab"}
    here = policy_link(policy, words["name"], words["made"], precision=precision)
    there = page.ask("policyLink", file=text(path.read_bytes()), words={**words, "precision": precision})
    # The two deflate as they like; what is in the links is the same, byte for byte.
    assert unwrap(there) == unwrap(here)
    read = page.ask("policy", link=here)
    shared = read_link(there)
    assert isinstance(shared, SharedPolicy)
    assert (read["name"], read["made"], read["steps"]) == (shared.name, shared.made, policy.steps)
    opened = load_policy(base64.b64decode(read["file"]))
    for name in ("params", "obs_mean", "obs_var", "obs_count", "sizes", "activation", "action_low", "task"):
        np.testing.assert_array_equal(getattr(opened, name), getattr(shared.policy, name))
    assert policy_link(opened, **words, precision=precision) == here
    if precision == "int8":
        assert max(len(here), len(there)) <= LONGEST_OF.get(path.stem, LONGEST)


@pytest.mark.parametrize("path", shipped())
def test_a_shared_policy_acts_as_the_original(path: Path) -> None:
    policy = load_policy(path.read_bytes())
    assert policy.obs_mean is not None
    assert policy.obs_var is not None
    rng = np.random.default_rng(3)
    obs = policy.obs_mean + np.sqrt(policy.obs_var) * rng.normal(size=(500, policy.sizes[0]))
    before = policy.act(obs)
    for precision, most in (("int8", 0.02), ("f16", 0.002)):
        shared = read_link(policy_link(policy, "x", precision=precision))
        assert isinstance(shared, SharedPolicy)
        assert float(np.abs(shared.policy.act(obs) - before).mean()) < most


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"layer_norm": True, "squash": "tanh", "activation": "elu"},
        {"obs_mean": None, "obs_var": None, "obs_count": 0.0},
        {"obs_var": np.zeros(TASK.obs_size)},
    ],
    ids=["plain", "normalised and squashed", "raw observations", "constant observations"],
)
@pytest.mark.parametrize("hidden", [(), (5,), (16, 8, 4)], ids=str)
def test_any_network_goes_round(hidden: tuple[int, ...], changes: dict[str, Any], page: LinkPage) -> None:
    policy = small_policy((TASK.obs_size, *hidden, TASK.action_size), **changes)
    link = policy_link(policy, "net")
    assert unwrap(page.ask("policyLink", file=text(save_policy(policy)), words={"name": "net"})) == unwrap(
        link
    )
    opened = load_policy(base64.b64decode(page.ask("policy", link=link)["file"]))
    shared = read_link(link)
    assert isinstance(shared, SharedPolicy)
    np.testing.assert_array_equal(opened.params, shared.policy.params)
    assert (opened.layer_norm, opened.squash) == (policy.layer_norm, policy.squash)
    assert policy_link(shared.policy, "net") == link


def test_tiny_rows_become_zero_and_stay_so() -> None:
    sizes = (TASK.obs_size, 3, TASK.action_size)
    params = np.full(parameter_count(sizes) + sizes[-1], 1e-5, np.float32)
    link = policy_link(small_policy(sizes, params=params), "tiny")
    shared = read_link(link)
    assert isinstance(shared, SharedPolicy)
    assert not shared.policy.params[: TASK.obs_size * 3].any()
    assert policy_link(shared.policy, "tiny") == link


@pytest.mark.parametrize("algorithm", ["ppo", "reinforce", "sac", "ars"])
@pytest.mark.parametrize("reward", ["", REWARD], ids=["own", "coded"])
def test_a_recipe_goes_round_in_both_directions(algorithm: str, reward: str, page: LinkPage) -> None:
    recipe = replace(default_recipe(TASK, algorithm, {"seed": 2**32 - 1}), reward=reward)
    here = recipe_link(recipe, "mine", "a run")
    there = page.ask("recipeLink", recipe=recipe.to_json(), words={"name": "mine", "made": "a run"})
    assert unwrap(there) == unwrap(here)
    assert read_link(there) == SharedRecipe(recipe, "mine", "a run")
    read = page.ask("recipe", link=here)
    assert Recipe.from_json(read["recipe"]) == recipe
    assert read["recipe"]["reward"] == reward
    again = page.ask("recipePayload", recipe=read["recipe"], words={"name": "mine", "made": "a run"})
    assert base64.b64decode(again) == unwrap(here)[1]


def test_halves_are_numpys(page: LinkPage) -> None:
    bits = np.arange(65_536, dtype=np.uint16)
    bits = bits[np.isfinite(bits.view(np.float16))]
    values = bits.view(np.float16).astype(np.float64)
    assert page.ask("numbers", bits=bits.tolist()) == values.tolist()
    rng = np.random.default_rng(1)
    random = rng.normal(size=20_000) * 10.0 ** rng.uniform(-9, 4, 20_000)
    halfway = (values[1:2000] + values[:1999]) / 2
    both = np.concatenate(
        [values, random[np.abs(random) < 65_504], halfway, [65_503.9, 65_504.0, -0.0, 1e-300]]
    )
    expected = both.astype(np.float16).view(np.uint16)
    assert page.ask("halves", values=both.tolist())[: len(both) - 2] == expected[:-2].tolist()


@pytest.mark.parametrize("path", [POLICIES[0]], ids=["policy"])
def test_every_cut_is_refused(path: Path) -> None:
    policy = load_policy(path.read_bytes())
    for link in (policy_link(policy, "cut"), recipe_link(Recipe.from_json(policy.recipe), "cut")):
        for end in range(len(link)):
            with pytest.raises(LinkError):
                read_link(link[:end])


def test_wrong_links_are_refused_alike(page: LinkPage) -> None:
    verdicts = compare(cases(2_000, seed=20), page)
    assert verdicts.faults == []
    assert verdicts.links == 2_000
    assert len(verdicts.words) > 20


def test_links_that_follow_coverage_are_refused_alike(page: LinkPage) -> None:
    assert compare(guided_cases(1_000, seed=7), page).faults == []


@pytest.mark.slow
def test_fifty_thousand_wrong_links_are_refused_alike(page: LinkPage) -> None:
    assert compare(cases(25_000, seed=21), page).faults == []
    assert compare(guided_cases(25_000, seed=22), page).faults == []


@given(st.text(max_size=300))
def test_no_text_raises_anything_else(link: str) -> None:
    for prefix in ("", "#p=", "#r="):
        with pytest.raises(LinkError):
            read_link(prefix + link)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["policy", "recipe"]), payload=st.binary(max_size=400))
def test_no_payload_raises_anything_else(kind: str, payload: bytes, page: LinkPage) -> None:
    assert compare([forge(kind, payload)], page).faults == []


def test_a_bomb_is_refused_early(page: LinkPage) -> None:
    bomb = forge("recipe", bytes(50_000_000))
    assert len(bomb) < LAYOUT["longest_link"]
    verdicts = compare([bomb], page)
    assert verdicts.faults == []
    assert verdicts.accepted == 0


def test_hostile_words_are_words(page: LinkPage) -> None:
    recipe = replace(default_recipe(TASK), reward=f"# {HOSTILE}\nimport os\nos.system('true')\n")
    link = recipe_link(recipe, HOSTILE)
    assert page.ask("recipe", link=link)["name"] == HOSTILE
    assert read_link(link) == SharedRecipe(recipe, HOSTILE, "")


@pytest.mark.parametrize("name", ["a\u202eb", "a\nb", "\u0000", "\ud800", "x" * 121])
def test_names_that_would_not_show_are_refused(name: str) -> None:
    with pytest.raises(LinkError):
        recipe_link(default_recipe(TASK), name)


def test_what_fits_in_no_link_is_refused() -> None:
    sizes = (TASK.obs_size, 4, TASK.action_size)
    count = parameter_count(sizes) + sizes[-1]
    for params, words in (
        (np.full(count, np.nan, np.float32), "not finite"),
        (np.full(count, 1e6, np.float32), "too large for a link"),
    ):
        with pytest.raises(LinkError, match=words):
            policy_link(small_policy(sizes, params=params), "x")
    with pytest.raises(LinkError, match="own tasks"):
        policy_link(small_policy(sizes, task="my-robot"), "x")
    with pytest.raises(LinkError, match="int8 or f16"):
        policy_link(small_policy(sizes), "x", precision="f8")


def test_a_policy_for_another_layout_is_refused() -> None:
    values = policy_values(small_policy((TASK.obs_size, 4, TASK.action_size)), "x", "", "int8")
    for change, words in (
        ({"layout_version": 60_000}, "layout version 60000"),
        ({"task": "no-such-task"}, "no-such-task"),
        ({"task": "Hopper-v5"}, "Hopper-v5 has 11"),
    ):
        with pytest.raises(LinkError, match=words):
            read_link(forge("policy", pack(LAYOUT["policy"]["fields"], values | change)))


def test_a_recipe_out_of_its_limits_is_refused() -> None:
    values = recipe_values(default_recipe(TASK), "x", "")
    values["settings"] = values["settings"] | {"n_envs": 5_000}
    with pytest.raises(LinkError, match="n_envs=5000 is too large"):
        read_link(forge("recipe", pack(LAYOUT["recipe"]["fields"], values)))


def test_every_task_has_a_link() -> None:
    for task in TASKS.values():
        assert len(recipe_link(default_recipe(task), task.title)) < 1_000
