"""What is learned does not depend on how many workers share it: same policy, same checkpoint, same bytes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tabrl_py.algos.shards import Share
from tabrl_py.algos.team import together
from tabrl_py.algos.training import Training
from tabrl_py.config import NetworkConfig, PPOConfig, Recipe, ReinforceConfig
from tabrl_py.policy import safetensors, save_policy
from tabrl_py.protocol import Progress
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import TaskSpec, get_task, with_reward
from tabrl_py.types import Float

HOPPER = replace(get_task("Hopper-v5"), time_limit=9)
"""Episodes that end by the clock as well as by falling."""
TEAMS = [2, 3, 4, 8]

MakeSim = Callable[[TaskSpec, range], NativeBatchSim]


def plain(task: TaskSpec, rows: range) -> NativeBatchSim:
    return NativeBatchSim(task, len(rows))


def recipe(algo: Any = None, task: str = HOPPER.id, **changes: Any) -> Recipe:
    algo = algo or PPOConfig(n_steps=12, minibatch_size=50, n_epochs=3)
    network = changes.pop("network", NetworkConfig(hidden=(8,)))
    kind = "reinforce" if isinstance(algo, ReinforceConfig) else "ppo"
    n_envs = changes.pop("n_envs", 16)
    return Recipe(task, kind, seed=3, total_steps=n_envs * algo.n_steps * 3, n_envs=n_envs,
                  network=network, algo=algo, **changes)  # fmt: skip


class Run:
    """A run on a team of this process, and what it reported."""

    def __init__(
        self,
        what: Recipe,
        members: int,
        task: TaskSpec = HOPPER,
        make_sim: MakeSim = plain,
        checkpoint: bytes | None = None,
    ) -> None:
        self.trainings = []
        self.records: list[list[Progress]] = [[] for _ in range(members)]
        for line in together(members):
            sim = make_sim(task, Share(what.n_envs, line).rows)
            if checkpoint is None:
                self.trainings.append(Training(what, task, sim, line))
            else:
                self.trainings.append(Training.resume(checkpoint, task, sim, line))

    def to_update(self, update: int) -> None:
        """Until every member has done so many updates."""
        for _ in range(100_000):
            behind = [training for training in self.trainings if training.update < update or training.waiting]
            if not behind:
                return
            for training in behind:
                record = training.advance()
                if record is not None:
                    self.records[self.trainings.index(training)].append(record)
        raise AssertionError("the members wait for each other for ever")

    def finish(self) -> "Run":
        self.to_update(3)
        assert all(training.finished for training in self.trainings)
        return self

    def results(self) -> list[dict[str, bytes]]:
        """What each member would give: its policy, and its checkpoint without the seconds."""
        found = []
        for training in self.trainings:
            tensors, _ = safetensors.read(training.checkpoint())
            tensors.pop("seconds")
            found.append({name: tensor.tobytes() for name, tensor in tensors.items()})
            found[-1]["policy"] = save_policy(training.policy())
        return found

    def comparable(self, member: int = 0) -> list[Progress]:
        """A member's records without what the clock says."""
        clock: dict[str, Any] = {"seconds": 0.0, "seconds_by_part": {}}
        return [
            replace(record, physics_steps_per_s=0.0, steps_per_s=0.0, **clock)
            for record in self.records[member]
        ]


def assert_same(runs: list[Run]) -> None:
    expected = runs[0].results()[0]
    for run in runs:
        for member, found in enumerate(run.results()):
            assert found.keys() == expected.keys()
            different = [name for name in expected if found[name] != expected[name]]
            assert not different, f"member {member} of {len(run.trainings)}: {', '.join(different)}"
            assert run.comparable(member) == runs[0].comparable()


def test_a_reward_written_as_code_does_not_depend_on_who_computes_it() -> None:
    code = """
def reward(s):
    speed = (s.position - s.prev.position) / s.dt
    swing = np.std(s.qvel, axis=1) * np.sum(s.qpos[:, 2:6], axis=1)
    terms = {"speed": np.tanh(speed), "swing": 0.1 * np.sin(swing), "effort": -effort(s)}
    return sum(terms.values()), terms
"""
    what = recipe(reward=code)
    task = with_reward(HOPPER, code)
    assert_same([Run(what, members, task).finish() for members in (1, 2, 4)])


CONFIG = PPOConfig(n_steps=12, minibatch_size=50, n_epochs=3)
WAYS = {
    "as usual": recipe(),
    "nothing normalised": recipe(
        replace(CONFIG, normalize_advantage=False, scale_reward=False),
        network=NetworkConfig(hidden=(8,), normalize_obs=False),
    ),
    "KL stop": recipe(replace(CONFIG, target_kl=0.005, learning_rate=1e-2, n_epochs=10)),
    "adaptive rate": recipe(replace(CONFIG, lr_schedule="adaptive", learning_rate=3e-3)),
    "linear rate, annealed exploration, entropy": recipe(
        replace(CONFIG, lr_schedule="linear", lr_final=0.1, exploration="annealed", entropy_coef=0.01)
    ),
    "few samples in a minibatch": recipe(replace(CONFIG, minibatch_size=2, n_steps=3, n_epochs=2)),
    "layer norm": recipe(network=NetworkConfig(hidden=(8, 6), layer_norm=True)),
    "NumPy": recipe(kernels="numpy"),
    "REINFORCE by NumPy": recipe(ReinforceConfig(n_steps=12, baseline_epochs=2), kernels="numpy"),
    "REINFORCE": recipe(ReinforceConfig(n_steps=12, baseline_epochs=2)),
}


@pytest.mark.parametrize("way", list(WAYS))
def test_the_same_bytes_from_any_number_of_workers(way: str) -> None:
    assert_same([Run(WAYS[way], members).finish() for members in (1, *TEAMS)])


def test_the_kl_stop_of_that_test_stops() -> None:
    """Else the test would show nothing about it."""
    (records,) = Run(WAYS["KL stop"], 1).finish().records
    assert min(record.epochs_run for record in records) < 10


@pytest.mark.parametrize("symmetry", ["augment", "network"])
def test_mirror_images_are_the_same_bytes_from_any_number_of_workers(symmetry: str) -> None:
    task = replace(get_task("humanoid-stand"), time_limit=9)
    what = recipe(replace(CONFIG, symmetry=symmetry, n_steps=6, minibatch_size=20), task=task.id, n_envs=8)
    assert_same([Run(what, members, task).finish() for members in (1, *TEAMS)])


def test_rows_that_are_no_multiple_of_eight_are_shared_by_fewer() -> None:
    what = recipe(n_envs=12)
    assert_same([Run(what, members).finish() for members in (1, 2, 4)])


def test_another_number_of_workers_goes_on_from_a_checkpoint() -> None:
    whole = Run(recipe(), 1).finish()
    for before, after in ((1, 4), (8, 3), (2, 1)):
        first = Run(recipe(), before)
        first.to_update(2)
        checkpoint = first.trainings[-1].checkpoint()
        second = Run(recipe(), after, checkpoint=checkpoint).finish()
        assert second.results()[0] == whole.results()[0]
        assert second.comparable() == whole.comparable()[2:]


def test_a_checkpoint_of_the_beginning_needs_no_rows() -> None:
    begun = Run(recipe(), 3)
    assert not [name for name in begun.results()[0] if name.startswith("rows.")]
    whole = Run(recipe(), 1).finish()
    assert_same([whole, Run(recipe(), 2, checkpoint=begun.trainings[1].checkpoint()).finish()])


@pytest.mark.parametrize("name", ["humanoid-command", "humanoid-walk-rough"])
def test_what_varies_by_episode_is_the_same_from_any_number_of_workers(name: str) -> None:
    """Commands or a curriculum, random bodies and pushes, and episodes that begin in visited states."""
    task = replace(get_task(name), time_limit=9)
    what = recipe(task=task.id, randomize=True, revisit=0.5)
    runs = [Run(what, members, task).finish() for members in (1, *TEAMS)]
    assert_same(runs)
    first = Run(what, 4, task)
    first.to_update(1)
    second = Run(what, 3, task, checkpoint=first.trainings[2].checkpoint()).finish()
    assert second.results()[0] == runs[0].results()[0]


@pytest.mark.parametrize("where", ["params", "adam_v"])
def test_a_member_that_has_learned_something_else_is_noticed(where: str) -> None:
    run = Run(recipe(), 3)
    run.to_update(1)
    learned = run.trainings[1].algorithm.state()[where]
    learned[3] = np.nextafter(learned[3], np.float32(1.0))
    with pytest.raises(RuntimeError, match="after update 1 the workers' weights differ"):
        run.to_update(2)


class Spoiled(NativeBatchSim):
    """A simulation in which something is not a number at one step of one row of the run."""

    def __init__(self, task: TaskSpec, rows: range, row: int, step: int) -> None:
        super().__init__(task, len(rows))
        self._row = row - rows.start if row in rows else None
        self._left = step

    def step(self, actions: Float) -> None:
        super().step(actions)
        self._left -= 1
        if self._left == 0 and self._row is not None:
            self.spoil(self._row)

    def spoil(self, row: int) -> None:
        raise NotImplementedError


class SpoiledObservation(Spoiled):
    def spoil(self, row: int) -> None:
        self.obs[row, 2] = np.nan


class SpoiledSignals(Spoiled):
    """What the reward is computed from."""

    def spoil(self, row: int) -> None:
        self.signals[row] = np.inf


@pytest.mark.parametrize("kind", [SpoiledObservation, SpoiledSignals])
def test_what_is_not_finite_in_a_row_is_counted_and_stays_in_it(kind: type[Spoiled]) -> None:
    runs = [
        Run(recipe(), members, make_sim=lambda task, rows: kind(task, rows, row=5, step=4)).finish()
        for members in (1, *TEAMS)
    ]
    assert_same(runs)
    assert [record.unstable_rows for record in runs[0].records[0]] == [1, 1, 1]
    assert runs[0].records[0][-1].skipped_minibatches == 0
    policy = runs[0].trainings[0].policy()
    assert np.isfinite(policy.params).all()
    assert np.isfinite(np.concatenate([policy.obs_mean, policy.obs_var])).all()
    assert all(np.isfinite(list(record.reward_terms.values())).all() for record in runs[0].records[0])


@pytest.mark.parametrize("members", [1, *TEAMS])
def test_a_gradient_that_is_not_finite_is_left_out_by_all(members: int) -> None:
    run = Run(recipe(), members)
    for training in run.trainings:
        if 5 in training.share.rows:
            spoil_a_gradient(training)
    run.finish()
    if members == 1:
        expected.update(run.results()[0])
    assert [record.skipped_minibatches for record in run.records[0]] == [1, 1, 1]
    assert run.results()[0] == expected
    assert np.isfinite(run.trainings[0].policy().params).all()


expected: dict[str, bytes] = {}
"""Of one worker, by the first case of the test above."""


def spoil_a_gradient(training: Training) -> None:
    """Of the third minibatch, that of the run's row 5, whose shard is the third."""
    ppo: Any = training.algorithm
    real = ppo._arithmetic.gradients
    calls: list[None] = []

    def gradients(*arguments: Any) -> None:
        real(*arguments)
        calls.append(None)
        if len(calls) == 3:
            arguments[5][2 - training.share.mine.start, 7] = np.nan

    ppo._arithmetic.gradients = gradients
