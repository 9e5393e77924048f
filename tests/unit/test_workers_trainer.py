from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from tabrl_py.algos.evaluate import Evaluator
from tabrl_py.config import NetworkConfig, PPOConfig, Recipe
from tabrl_py.errors import ConfigError, PolicyFileError, TabrlError
from tabrl_py.player_messages import SetSpeed
from tabrl_py.policy import load_policy
from tabrl_py.protocol import (
    CheckpointFile,
    Evaluated,
    Frame,
    Pause,
    PolicyFile,
    Progressed,
    Push,
    RequestCheckpoint,
    RequestEvaluation,
    RequestPolicy,
    Resume,
    Started,
    StartTraining,
    StateChanged,
    Stop,
)
from tabrl_py.sim.models import model_path
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task
from tabrl_py.workers.trainer import FINAL_SEEDS, Trainer
from tests.unit.worker_host import RecordingHost, work

TASK = get_task("InvertedPendulum-v5")
RECIPE = Recipe(
    task=TASK.id,
    total_steps=4 * 8 * 16,
    n_envs=8,
    network=NetworkConfig(hidden=(8,)),
    algo=PPOConfig(n_steps=16, minibatch_size=64, n_epochs=2),
)


def task_record(name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(json.dumps(get_task(name).to_json()))
    return record


def start(recipe: Recipe = RECIPE, **more: Any) -> StartTraining:
    task = get_task(recipe.task)
    return StartTraining(
        recipe=json.loads(json.dumps(recipe.to_json())),
        task=task_record(task.id),
        model_xml=model_path(task.model).read_text(),
        visible=3,
        **more,
    )


def evaluation_of(policy: bytes | None, seeds: list[int], task: str = TASK.id) -> RequestEvaluation:
    xml = model_path(get_task(task).model).read_text()
    return RequestEvaluation(7, policy, task_record(task), xml, seeds)


@pytest.fixture
def host() -> RecordingHost:
    return RecordingHost()


@pytest.fixture
def trainer(host: RecordingHost) -> Trainer:
    return Trainer(host)


def finish(trainer: Trainer, host: RecordingHost) -> None:
    work(trainer, lambda: StateChanged("finished") in host.posted)


def test_a_run_reports_from_its_start_to_its_end(trainer: Trainer, host: RecordingHost) -> None:
    trainer.handle(start(checkpoint_every_updates=2))
    started = host.last(Started)
    assert (started.n_envs, started.rows, started.steps) == (8, [0, 1, 2], 0)
    assert (started.obs_size, started.action_size, started.dt) == (4, 1, 0.04)
    assert started.parameters == 4 * 8 + 8 + 8 + 1 + 1
    finish(trainer, host)
    assert [message.progress.update for message in host.of(Progressed)] == [1, 2, 3, 4]
    assert host.last(Progressed).progress.steps == RECIPE.total_steps
    kinds = [type(m) for m in host.posted if not isinstance(m, Progressed)]
    files = [CheckpointFile, PolicyFile]
    assert kinds == [Started, *files, *files, Evaluated, PolicyFile, StateChanged]
    assert [m.steps for m in host.of(CheckpointFile)] == [256, 512]
    assert {m.id for m in host.of(CheckpointFile)} == {m.id for m in host.of(PolicyFile)} == {0}
    assert host.last(Evaluated).id == 0
    assert trainer.advance() is None


def test_the_last_policy_holds_the_evaluation_that_was_sent(trainer: Trainer, host: RecordingHost) -> None:
    trainer.handle(start())
    finish(trainer, host)
    evaluation = host.last(Evaluated).evaluation
    policy = load_policy(host.last(PolicyFile).policy)
    assert policy.evaluation == dataclasses.asdict(evaluation)
    assert evaluation.seeds == FINAL_SEEDS
    evaluator = Evaluator(policy, TASK, NativeBatchSim(TASK, 10), FINAL_SEEDS)
    while (again := evaluator.advance()) is None:
        pass
    assert again == evaluation


def test_stop_sends_what_was_learned_and_evaluates_it(trainer: Trainer, host: RecordingHost) -> None:
    trainer.handle(start())
    work(trainer, lambda: bool(host.of(Progressed)))
    trainer.handle(Stop())
    assert [type(m) for m in host.posted[-2:]] == [CheckpointFile, PolicyFile]
    steps = host.last(PolicyFile).steps
    work(trainer, lambda: StateChanged("stopped") in host.posted)
    assert host.last(PolicyFile).steps == steps
    assert trainer.advance() is None
    trainer.handle(Stop())
    trainer.handle(Resume())
    assert host.posted[-1] == StateChanged("stopped")
    assert trainer.advance() is None


def test_after_pause_nothing_advances_until_resume(trainer: Trainer, host: RecordingHost) -> None:
    trainer.handle(start())
    for _ in range(5):
        assert trainer.advance() == 0.0
    trainer.handle(Pause())
    assert host.posted[-1] == StateChanged("paused")
    states = host.sims[0].states()
    assert trainer.advance() is None
    assert np.array_equal(host.sims[0].states(), states)
    trainer.handle(Pause())
    trainer.handle(Resume())
    assert [m.state for m in host.of(StateChanged)] == ["paused", "running"]
    assert trainer.advance() == 0.0
    assert not np.array_equal(host.sims[0].states(), states)


def test_pauses_and_evaluations_do_not_change_what_is_learned(host: RecordingHost) -> None:
    plain = Trainer(host)
    plain.handle(start())
    finish(plain, host)
    other = RecordingHost()
    disturbed = Trainer(other)
    disturbed.handle(start())
    for _ in range(9):
        disturbed.advance()
    disturbed.handle(Pause())
    disturbed.handle(evaluation_of(None, [4, 5]))
    disturbed.advance()
    disturbed.handle(RequestPolicy(1))
    disturbed.handle(RequestCheckpoint(2))
    disturbed.handle(Resume())
    finish(disturbed, other)
    assert host.last(PolicyFile).policy == other.last(PolicyFile).policy
    assert [m.id for m in other.of(Evaluated)] == [7, 0]


def test_a_run_goes_on_from_its_checkpoint_bit_for_bit(trainer: Trainer, host: RecordingHost) -> None:
    trainer.handle(start(checkpoint_every_updates=1))
    work(trainer, lambda: len(host.of(CheckpointFile)) == 2)
    middle = host.last(CheckpointFile)
    finish(trainer, host)
    other = RecordingHost()
    resumed = Trainer(other)
    resumed.handle(start(checkpoint=middle.checkpoint))
    assert other.last(Started).steps == middle.steps == 256
    finish(resumed, other)
    assert other.last(PolicyFile).policy == host.last(PolicyFile).policy
    updates = [m.progress.update for m in other.of(Progressed)]
    assert updates == [3, 4]


def test_a_run_may_begin_from_a_policy(trainer: Trainer, host: RecordingHost) -> None:
    trainer.handle(start())
    finish(trainer, host)
    weights = host.last(PolicyFile).policy
    trainer.handle(start(policy=weights))
    trainer.handle(RequestPolicy(5))
    answer = host.last(PolicyFile)
    assert (answer.id, answer.steps) == (5, 0)
    learned, taken = load_policy(weights), load_policy(answer.policy)
    assert np.array_equal(learned.params, taken.params)


def test_an_evaluation_goes_on_beside_training(trainer: Trainer, host: RecordingHost) -> None:
    trainer.handle(start())
    trainer.handle(evaluation_of(None, [3, 1]))
    work(trainer, lambda: bool(host.of(Evaluated)))
    answer = host.last(Evaluated)
    assert (answer.id, answer.evaluation.seeds) == (7, [3, 1])
    assert trainer._run is not None
    assert trainer._run.training.steps > 0
    evaluator = Evaluator(None, TASK, NativeBatchSim(TASK, 2), [3, 1])
    while (alone := evaluator.advance()) is None:
        pass
    assert alone == answer.evaluation


def test_evaluations_need_no_run(trainer: Trainer, host: RecordingHost) -> None:
    trainer.handle(evaluation_of(None, [0]))
    work(trainer, lambda: bool(host.of(Evaluated)))
    assert trainer.advance() is None


def test_frames_show_the_watched_rows_and_only_what_is_new(trainer: Trainer, host: RecordingHost) -> None:
    trainer.publish()
    assert host.of(Frame) == []
    trainer.handle(start(dataclasses.replace(RECIPE, task="HalfCheetah-v5")))
    trainer.publish()
    trainer.publish()
    assert len(host.of(Frame)) == 1
    for _ in range(3):
        trainer.advance()
    trainer.publish()
    frame = host.last(Frame)
    sim = host.sims[0]
    assert np.array_equal(np.frombuffer(frame.poses, np.float32).reshape(3, sim.nbody, 7), sim.poses)
    assert np.array_equal(np.frombuffer(frame.torques, np.float32).reshape(3, sim.nu), sim.torques)
    assert frame.steps == [3, 3, 3]
    assert trainer._run is not None
    assert frame.returns == trainer._run.training.statistics.returns[:3].tolist()
    assert len(set(frame.returns)) == 3
    assert frame.sim_s == pytest.approx(3 * 0.05)


def test_a_push_moves_its_row(trainer: Trainer, host: RecordingHost) -> None:
    calm = Trainer(host)
    for each in (trainer, calm):
        each.handle(start())
    trainer.handle(Push(2, 1, [50.0, 0.0, 0.0], [0.0, 0.0, 0.0], 1))
    for each in (trainer, calm):
        each.advance()
    pushed, alone = (sim.states()[:, 2] for sim in host.sims)
    assert np.flatnonzero(pushed != alone).tolist() == [2]
    assert pushed[2] > alone[2]


def test_files_are_sent_when_asked_for(trainer: Trainer, host: RecordingHost) -> None:
    trainer.handle(start())
    trainer.handle(RequestPolicy(3))
    trainer.handle(RequestCheckpoint(4))
    assert (host.last(PolicyFile).id, host.last(CheckpointFile).id) == (3, 4)
    assert load_policy(host.last(PolicyFile).policy).task == TASK.id


def mismatched(trainer: Trainer, host: RecordingHost) -> dict[str, Any]:
    """A policy and a checkpoint of the pendulum run, to be used wrongly."""
    trainer.handle(start())
    trainer.handle(RequestPolicy(1))
    trainer.handle(RequestCheckpoint(1))
    return {"policy": host.last(PolicyFile).policy, "checkpoint": host.last(CheckpointFile).checkpoint}


@pytest.mark.parametrize("what", ["policy", "checkpoint"])
def test_files_of_another_task_are_refused_and_the_run_stays(
    trainer: Trainer, host: RecordingHost, what: str
) -> None:
    files = mismatched(trainer, host)
    hopper = dataclasses.replace(RECIPE, task="Hopper-v5")
    with pytest.raises(TabrlError, match=r"Hopper|task"):
        trainer.handle(start(hopper, **{what: files[what]}))
    finish(trainer, host)


@pytest.mark.parametrize("what", ["policy", "checkpoint"])
@pytest.mark.parametrize("damage", ["cut", "foreign", "empty"])
def test_damaged_files_are_refused_and_the_run_stays(
    trainer: Trainer, host: RecordingHost, what: str, damage: str
) -> None:
    file = mismatched(trainer, host)[what]
    broken = {"cut": file[:-100], "foreign": b"PK\x03\x04" + bytes(200), "empty": b""}[damage]
    with pytest.raises(PolicyFileError):
        trainer.handle(start(**{what: broken}))
    finish(trainer, host)


def test_a_policy_of_another_task_is_not_evaluated(trainer: Trainer, host: RecordingHost) -> None:
    policy = mismatched(trainer, host)["policy"]
    with pytest.raises(PolicyFileError, match="InvertedPendulum-v5"):
        trainer.handle(evaluation_of(policy, [0], "Hopper-v5"))
    finish(trainer, host)


def test_a_checkpoint_of_another_recipe_is_refused(trainer: Trainer, host: RecordingHost) -> None:
    checkpoint = mismatched(trainer, host)["checkpoint"]
    with pytest.raises(ConfigError, match="seed, total_steps differ"):
        trainer.handle(start(dataclasses.replace(RECIPE, seed=9, total_steps=99), checkpoint=checkpoint))


@pytest.mark.parametrize("seeds", [[], [0] * 257, [-1], [0.5], [2**32]])
def test_absurd_seeds_are_refused(trainer: Trainer, seeds: list[Any]) -> None:
    with pytest.raises(ConfigError, match="seeds="):
        trainer.handle(evaluation_of(None, seeds))


def test_absurd_settings_are_refused(trainer: Trainer) -> None:
    with pytest.raises(ConfigError, match="checkpoint_every_updates=0"):
        trainer.handle(start(checkpoint_every_updates=0))
    record = {**start().recipe, "n_envs": -3}
    with pytest.raises(ConfigError, match="n_envs=-3"):
        trainer.handle(dataclasses.replace(start(), recipe=record))


@pytest.mark.parametrize("message", [Pause(), Stop(), RequestPolicy(1), Push(0, 1, [0.0] * 3, [0.0] * 3)])
def test_commands_without_a_run_are_refused(trainer: Trainer, message: Any) -> None:
    with pytest.raises(ConfigError, match="no run"):
        trainer.handle(message)


def test_a_players_message_is_refused(trainer: Trainer) -> None:
    with pytest.raises(ConfigError, match="SetSpeed"):
        trainer.handle(SetSpeed(1.0))
