"""The training loop: same seed same bytes, resumed runs, true last states, honest records."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tabrl_py.algos.checkpoint import read_checkpoint
from tabrl_py.algos.training import Training
from tabrl_py.config import (
    ALGORITHMS,
    AlgoConfig,
    ARSConfig,
    NetworkConfig,
    PPOConfig,
    Recipe,
    ReinforceConfig,
    SACConfig,
)
from tabrl_py.errors import ConfigError, PolicyFileError
from tabrl_py.policy import load_policy, safetensors, save_policy
from tabrl_py.protocol import Progress
from tabrl_py.rewards import REWARDS
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import TaskSpec, get_task

HOPPER = get_task("Hopper-v5")
SHORT_HOPPER = replace(HOPPER, time_limit=7)
"""Episodes that end by the clock as well as by falling."""


ALGOS: dict[str, AlgoConfig] = {
    "ppo": PPOConfig(n_steps=16, minibatch_size=32, n_epochs=2),
    "reinforce": ReinforceConfig(n_steps=16, baseline_epochs=2),
    # A memory that is overwritten several times, and random steps that end within a rollout.
    "sac": SACConfig(n_steps=16, warmup_steps=70, minibatch_size=8, buffer_size=100),
    "ars": ARSConfig(n_steps=16, n_directions=3, top_directions=2),
}


def _recipe(algorithm: str = "ppo", **changes: Any) -> Recipe:
    algo = ALGOS[algorithm]
    recipe = Recipe(
        HOPPER.id, algorithm, seed=3, total_steps=320, n_envs=4, network=NetworkConfig(hidden=(8,)), algo=algo
    )
    return replace(recipe, **changes)


def _start(recipe: Recipe, task: TaskSpec = SHORT_HOPPER) -> Training:
    return Training(recipe, task, NativeBatchSim(task, recipe.n_envs))


def _run(training: Training, pieces: int | None = None) -> list[Progress]:
    records = []
    done = 0
    while not training.finished and (pieces is None or done < pieces):
        record = training.advance()
        done += 1
        if record is not None:
            records.append(record)
    return records


def _comparable(record: Progress) -> Progress:
    """A record without what the clock says."""
    return replace(record, seconds=0.0, seconds_by_part={}, physics_steps_per_s=0.0, steps_per_s=0.0)


@pytest.mark.parametrize("algorithm", list(ALGORITHMS))
def test_the_same_seed_gives_the_same_bytes(algorithm: str) -> None:
    one, two = _start(_recipe(algorithm)), _start(_recipe(algorithm))
    records = [list(map(_comparable, _run(training))) for training in (one, two)]
    assert save_policy(one.policy()) == save_policy(two.policy())
    assert records[0] == records[1]
    other = _start(_recipe(algorithm, seed=4))
    _run(other)
    assert other.policy().params.tobytes() != one.policy().params.tobytes()


@pytest.mark.parametrize("algorithm", list(ALGORITHMS))
@pytest.mark.parametrize("pieces", [0, 5, 16, 18, 21, 60])
def test_a_resumed_run_ends_in_the_same_bytes(algorithm: str, pieces: int) -> None:
    """Whatever is going on when the checkpoint is taken: a rollout, its end, an update, a later rollout."""
    whole = _start(_recipe(algorithm))
    whole_records = list(map(_comparable, _run(whole)))

    interrupted = _start(_recipe(algorithm))
    _run(interrupted, pieces)
    checkpoint = interrupted.checkpoint()
    _run(interrupted, 3)  # what happens after the checkpoint must not matter
    resumed = Training.resume(checkpoint, SHORT_HOPPER, NativeBatchSim(SHORT_HOPPER, 4))
    records = list(map(_comparable, _run(resumed)))

    assert save_policy(resumed.policy()) == save_policy(whole.policy())
    assert records == whole_records[len(whole_records) - len(records) :]
    tensors = [safetensors.read(training.checkpoint())[0] for training in (whole, resumed)]
    for name in tensors[0].keys() - {"seconds"}:
        assert tensors[0][name].tobytes() == tensors[1][name].tobytes(), name


def test_a_run_ends_after_the_rollout_that_reaches_its_steps() -> None:
    training = _start(_recipe(total_steps=100))  # rollouts of 64
    records = _run(training)
    assert [record.steps for record in records] == [64, 128]
    assert training.finished
    assert training.advance() is None
    assert training.steps == 128


def test_the_rollout_holds_true_last_states_and_the_cause_of_each_end() -> None:
    training = _start(_recipe(n_envs=2))
    sim = training.sim
    ends = []
    for t in range(16):
        training.advance()
        ends += [(t, int(row), sim.final_obs[row].copy()) for row in np.flatnonzero(sim.truncated)]
    rollout = training.rollout
    assert ends
    assert len(ends) == int(rollout.truncated.sum()) == len(rollout.final_obs)
    assert not (rollout.truncated & rollout.terminated).any()
    for (t, row, obs), (kept_t, kept_row, kept) in zip(ends, rollout.final_obs, strict=True):
        assert (t, row) == (kept_t, kept_row)
        assert np.array_equal(obs, kept)
        following = rollout.obs[t + 1, row] if t < 15 else rollout.last_obs[row]
        assert not np.array_equal(following, kept)  # what the policy sees next is a new episode's


def test_every_episode_starts_from_its_own_stream() -> None:
    training = _start(_recipe())
    first = training.sim.obs.copy()
    assert len({row.tobytes() for row in first}) == 4
    more = _start(_recipe(n_envs=8))
    assert np.array_equal(more.sim.obs[:4], first)  # and does not depend on how many environments there are


def test_the_record_says_what_happened() -> None:
    task = replace(HOPPER, time_limit=5)
    training = _start(_recipe(), task)
    record = _run(training)[0]
    # Five steps are too few to fall: 64 steps of 4 rows end 3 episodes each, and all by the clock.
    assert record.episodes == 12
    assert record.fall_rate == 0.0
    assert record.length_mean == 5.0
    assert record.return_mean == pytest.approx(5 * sum(record.reward_terms.values()), rel=0.05)
    assert record.distance_mean is not None
    assert abs(record.distance_mean) < 1.0
    assert set(record.seconds_by_part) == {"physics", "policy", "reward", "learning", "waiting"}
    assert record.seconds_by_part["waiting"] == 0.0
    assert 0.5 * record.seconds < sum(record.seconds_by_part.values()) <= 1.01 * record.seconds
    assert record.unstable_rows == record.skipped_minibatches == 0


def test_advance_is_one_vector_step_or_one_minibatch() -> None:
    training = _start(_recipe())
    for t in range(16):
        assert training.rollout.steps == t
        assert training.advance() is None
    steps_before = training.algorithm.state()["adam_count"]
    training.advance()  # advantages
    training.advance()  # the first of 2 x 2 minibatches
    assert training.algorithm.state()["adam_count"] == steps_before + 1


def test_the_normaliser_is_that_of_the_observations_seen() -> None:
    training = _start(_recipe(total_steps=64))
    _run(training)
    seen = training.rollout.obs.reshape(-1, HOPPER.obs_size).astype(np.float64)
    policy = training.policy()
    assert policy.obs_count == 64
    assert policy.obs_mean == pytest.approx(seen.mean(axis=0), abs=1e-12)
    assert policy.obs_var == pytest.approx(seen.var(axis=0), abs=1e-12)


def test_a_run_goes_on_from_how_a_policy_was_learning() -> None:
    first = _start(_recipe())
    _run(first)
    policy = load_policy(save_policy(first.policy(learning=True)))
    assert first.policy().learning is None
    second = _start(_recipe(seed=9))
    second.start_from(policy)
    mine, theirs = second.algorithm.state(), first.algorithm.state()
    assert all(np.array_equal(mine[name], theirs[name]) for name in theirs)
    assert theirs["adam_count"] > 0
    assert second.scaler.scale == first.scaler.scale != 1.0
    assert second.steps == 0
    plain = _start(_recipe(seed=9))
    plain.start_from(first.policy())
    assert plain.algorithm.state()["adam_count"] == 0
    assert plain.scaler.scale == _start(_recipe()).scaler.scale


def test_learning_that_does_not_fit_the_run_is_left_or_refused() -> None:
    first = _start(_recipe())
    _run(first)
    policy = first.policy(learning=True)
    other = _start(_recipe(seed=9))
    other.start_from(replace(policy, recipe={**policy.recipe, "algorithm": "sac"}))
    assert other.algorithm.state()["adam_count"] == 0
    assert policy.learning is not None
    cut = {name: array for name, array in policy.learning.items() if name != "adam_m"}
    with pytest.raises(PolicyFileError, match="'adam_m' as None, this run as float32"):
        other.start_from(replace(policy, learning=cut))


def test_training_begins_from_a_policy() -> None:
    first = _start(_recipe())
    _run(first)
    policy = first.policy()
    second = _start(_recipe(seed=9))
    second.start_from(policy)
    assert second.policy().params.tobytes() == policy.params.tobytes()
    theirs = second.policy().obs_mean
    assert theirs is not None
    assert policy.obs_mean is not None
    assert np.array_equal(theirs, policy.obs_mean)
    wide = _start(_recipe(network=NetworkConfig(hidden=(9,))))
    with pytest.raises(PolicyFileError, match=r"hidden layers.*\(8,\)"):
        wide.start_from(policy)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="4 of them here"):
        Training(_recipe(), HOPPER, NativeBatchSim(HOPPER, 3))
    with pytest.raises(ConfigError, match=r"Hopper-v5.*Ant-v5"):
        Training(_recipe(), get_task("Ant-v5"), NativeBatchSim(HOPPER, 4))


def test_bad_checkpoints_are_refused() -> None:
    training = _start(_recipe())
    good = training.checkpoint()
    sim = training.sim
    with pytest.raises(PolicyFileError, match="not a TabRL checkpoint"):
        Training.resume(save_policy(training.policy()), SHORT_HOPPER, sim)
    with pytest.raises(PolicyFileError, match="cut short"):
        Training.resume(good[:-5], SHORT_HOPPER, sim)
    tensors, texts = safetensors.read(good)
    missing = {name: tensor for name, tensor in tensors.items() if name != "algorithm.adam_m"}
    with pytest.raises(PolicyFileError, match="contradicts itself: 'adam_m'"):
        Training.resume(safetensors.write(missing, texts), SHORT_HOPPER, sim)
    short = {**tensors, "algorithm.params": tensors["algorithm.params"][:-1]}
    with pytest.raises(PolicyFileError, match="contradicts itself"):
        Training.resume(safetensors.write(short, texts), SHORT_HOPPER, sim)
    with pytest.raises(PolicyFileError, match="format version 7"):
        read_checkpoint(safetensors.write(tensors, {**texts, "format_version": "7"}))


def test_rewards_that_are_not_finite_are_counted_and_never_learned_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(state: Any, **params: float) -> Any:
        rewards = np.ones(len(state.terminated))
        rewards[1::4] = np.nan  # row 1 of the 4, at every step
        return rewards, {"broken": rewards}

    monkeypatch.setitem(REWARDS, HOPPER.reward.name, broken)
    training = _start(_recipe(total_steps=64))
    record = _run(training)[0]
    assert record.unstable_rows == 16
    assert np.isfinite(training.policy().params).all()
