"""ARS: its step by hand, a policy per row, who is tried when, what it learns and what it refuses."""

from typing import Any

import numpy as np
import pytest

from tabrl_py.algos.algorithm import UpdateStats
from tabrl_py.algos.ars import ARS, IDLE, RowPolicies, ars_step
from tabrl_py.algos.rollout import Rollout
from tabrl_py.config import ARSConfig, NetworkConfig, Recipe
from tabrl_py.errors import ConfigError
from tabrl_py.nn.mlp import MLP, parameter_count
from tabrl_py.nn.normalize import ObsNormalizer
from tabrl_py.types import F32, I64

OBS, A = 3, 2


def test_the_step_by_hand() -> None:
    deltas = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    forwards, backwards = np.array([3.0, 0.0, 1.0]), np.array([1.0, 0.5, 5.0])
    # The better of each pair: 3, 0.5, 5. The two best have the returns 1, 5, 3, 1: spread sqrt(2.75).
    step = ars_step(deltas, forwards, backwards, top=2, step_size=0.1)
    assert step is not None
    expected = (0.1 / (2 * np.sqrt(2.75))) * np.array([2.0 - 4.0, -4.0])
    assert step[0] == pytest.approx(expected, abs=1e-15)
    assert step[1] == pytest.approx(np.linalg.norm(expected) / 0.1)


@pytest.mark.parametrize("returns", [[1.0, 1.0], [np.inf, 0.0], [np.nan, 0.0]])
def test_returns_that_say_nothing_make_no_step(returns: list[float]) -> None:
    with np.errstate(all="ignore"):
        assert ars_step(np.ones((1, 2)), np.array(returns[:1]), np.array(returns[1:]), 1, 0.1) is None


@pytest.mark.parametrize("hidden", [(), (5, 4)])
def test_each_row_has_its_own_policy(hidden: tuple[int, ...]) -> None:
    sizes = (OBS, *hidden, A)
    policies = RowPolicies(sizes, "tanh", 6)
    rng = np.random.default_rng(0)
    policies.params[...] = rng.standard_normal(policies.params.shape)
    obs = rng.standard_normal((6, OBS)).astype(np.float32)
    got = policies.forward(obs)
    for row in range(6):
        alone = MLP(sizes, "tanh", policies.params[row].copy()).forward(obs[row : row + 1])
        assert got[row] == pytest.approx(alone[0], abs=1e-6)


class _World:
    """Rows whose reward is highest at the actions 0.5, -0.25, with episodes of the given lengths in turn."""

    def __init__(self, rows: int, lengths: list[int], n_steps: int) -> None:
        self.rollout = Rollout(n_steps, rows, OBS, A)
        self.lengths, self.ended = lengths, 0
        self.left: I64 = np.array([self._length() for _ in range(rows)])
        self.obs: F32 = np.tile(np.array([1.0, 0.5, -1.0], np.float32), (rows, 1))
        self.tried: list[tuple[int, int]] = []

    def _length(self) -> int:
        self.ended += 1
        return self.lengths[self.ended % len(self.lengths)]

    def run(self, ars: ARS, rollouts: int, first: int = 0) -> list[UpdateStats]:
        """Some rollouts; (update, policy) of every finished episode goes to `tried`."""
        rollout = self.rollout
        stats = []
        for update in range(first, first + rollouts):
            rollout.clear()
            ars.begin_rollout(rollout, None, update, 0.0)
            for t in range(rollout.n_steps):
                ars.act(t, self.obs, rollout.actions[t])
                self.left -= 1
                rollout.raw_rewards[t] = -np.square(rollout.actions[t] - [0.5, -0.25]).sum(axis=1)
                rollout.terminated[t] = self.left == 0
                for row in np.flatnonzero(self.left == 0):
                    if ars._policy[row] != IDLE:
                        self.tried.append((ars.updates, int(ars._policy[row])))
                    self.left[row] = self._length()
                rollout.steps = t + 1
            stats += [s for s in ars.update(rollout, None, update, 0.0) if s is not None]
        return stats


def _recipe(n_envs: int, hidden: tuple[int, ...] = (), **settings: Any) -> Recipe:
    algo = ARSConfig(**{"n_directions": 4, "top_directions": 2, "n_steps": 5, **settings})
    network = NetworkConfig(hidden=hidden, normalize_obs=False)
    return Recipe("Hopper-v5", "ars", seed=3, n_envs=n_envs, network=network, algo=algo)


def _ars(recipe: Recipe) -> ARS:
    return ARS(recipe, OBS, A)


@pytest.mark.parametrize(("rows", "lengths"), [(8, [5]), (8, [3]), (3, [2, 7, 1]), (6, [1, 9, 4, 2])])
def test_every_policy_of_an_update_is_tried_for_one_episode(rows: int, lengths: list[int]) -> None:
    world, ars = _World(rows, lengths, 5), _ars(_recipe(rows))
    world.run(ars, 20)
    assert ars.updates >= 3
    for update in range(ars.updates):
        assert sorted(policy for u, policy in world.tried if u == update) == list(range(8))


def test_the_policies_are_the_weights_and_a_direction_to_both_sides() -> None:
    ars, world = _ars(_recipe(8, noise=0.1)), _World(8, [5], 5)
    ars.params[...] = 0.3
    ars.begin_rollout(world.rollout, None, 0, 0.0)
    tried = ars._policies.params
    assert tried[:4] + tried[4:] == pytest.approx(np.full((4, ars.params.size), 0.6), abs=1e-6)
    assert (tried[:4] - 0.3)[:, : OBS * A].std() == pytest.approx(0.1, rel=0.4)
    assert (tried[:, OBS * A :] == np.float32(0.3)).all()  # a linear policy's bias stays


@pytest.mark.parametrize("hidden", [(), (6,)])
def test_it_finds_the_action_that_pays(hidden: tuple[int, ...]) -> None:
    recipe = _recipe(8, hidden, n_directions=8, top_directions=4, noise=0.05, step_size=0.03)
    world, ars = _World(8, [5], 5), _ars(recipe)
    stats = world.run(ars, 400)
    actor = ars.actor()
    weights = MLP(actor.sizes, actor.activation, actor.params[:-A])
    assert weights.forward(world.obs[:1])[0] == pytest.approx([0.5, -0.25], abs=0.15)
    assert stats[-1].learning_rate == 0.03
    assert stats[-1].grad_norm > 0.0
    assert sum(s.skipped for s in stats) == 0


def test_the_reward_shift_is_taken_off_every_step() -> None:
    ars, world = _ars(_recipe(8, reward_shift=2.0)), _World(8, [5], 4)
    world.run(ars, 1)
    totals = world.rollout.raw_rewards[:4].sum(axis=0)
    world.rollout.clear()
    assert ars._running == pytest.approx(totals - 8.0)


def test_a_resumed_search_goes_on_to_the_bit() -> None:
    lengths = [2, 7, 1]
    whole_world, whole = _World(3, lengths, 5), _ars(_recipe(3))
    whole_world.run(whole, 9)
    state = {name: np.array(value) for name, value in whole.state().items()}
    assert state["counters"][1] > 0.0  # in the midst of an update
    resumed = _ars(_recipe(3))
    resumed.load_state(state)
    world = _World(3, lengths, 5)
    world.left[...], world.ended = whole_world.left, whole_world.ended
    for search, its_world in ((whole, whole_world), (resumed, world)):
        its_world.run(search, 9, first=9)
    for name, value in whole.state().items():
        assert np.array(value).tobytes() == np.array(resumed.state()[name]).tobytes(), name


def test_all_episodes_of_an_update_see_through_the_same_normaliser() -> None:
    ars, world = _ars(_recipe(8)), _World(8, [9], 5)
    normalizer = ObsNormalizer(OBS)
    normalizer.update(np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    ars.begin_rollout(world.rollout, normalizer, 0, 0.0)
    first = ars._mean.copy()
    assert first.tolist() == [2.0, 2.0, 2.0]
    normalizer.update(np.full((10, OBS), 7.0))
    ars.begin_rollout(world.rollout, normalizer, 1, 0.0)
    assert np.array_equal(ars._mean, first)


def test_the_next_update_knows_what_the_last_rollout_taught_the_normaliser() -> None:
    ars, world = _ars(_recipe(8)), _World(8, [5], 5)
    normalizer = ObsNormalizer(OBS)
    ars.begin_rollout(world.rollout, normalizer, 0, 0.0)
    for t in range(5):
        ars.act(t, world.obs, world.rollout.actions[t])
        world.rollout.raw_rewards[t] = np.arange(8)
        world.rollout.terminated[t] = t == 4
    list(ars.update(world.rollout, normalizer, 0, 0.0))
    assert ars.updates == 1
    normalizer.update(np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    ars.begin_rollout(world.rollout, normalizer, 1, 0.0)
    assert ars._mean.tolist() == [2.0, 2.0, 2.0]


def test_returns_that_are_not_finite_never_reach_the_weights() -> None:
    world, ars = _World(8, [5], 5), _ars(_recipe(8, top_directions=4))
    world.run(ars, 1)
    before = ars.params.copy()
    world.rollout.clear()
    ars.begin_rollout(world.rollout, None, 1, 0.0)
    for t in range(5):
        ars.act(t, world.obs, world.rollout.actions[t])
        world.rollout.raw_rewards[t] = np.nan
        world.rollout.terminated[t] = t == 4
    stats = list(ars.update(world.rollout, None, 1, 0.0))[-1]
    assert stats is not None
    assert stats.skipped == 1
    assert np.array_equal(ars.params, before)


def test_what_cannot_be_says_which_number_to_change() -> None:
    with pytest.raises(ConfigError, match=r"n_envs=9 .* lower it to 8"):
        _recipe(9)
    with pytest.raises(ConfigError, match=r"algo.top_directions=5 .* lower it to 4"):
        _recipe(8, top_directions=5)
    with pytest.raises(ConfigError, match=r"algo.n_directions=2048 .* the most is"):
        ARS(_recipe(8, hidden=(256, 256), n_directions=2048), OBS, A)


def test_a_policy_begins_the_search() -> None:
    one, two = _ars(_recipe(8)), _ars(_recipe(8))
    world = _World(8, [5], 5)
    world.run(one, 3)
    two.begin_rollout(world.rollout, None, 0, 0.0)
    two.load_actor(one.actor().params)
    assert np.array_equal(two.params, one.params)
    tried = two._policies.params
    assert tried[:4] + tried[4:] == pytest.approx(2.0 * np.tile(one.params, (4, 1)), abs=1e-6)
    assert one.actor().params.size == parameter_count((OBS, A)) + A
