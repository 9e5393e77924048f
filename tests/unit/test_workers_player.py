from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tabrl_py.algos.evaluate import Evaluator
from tabrl_py.algos.training import Training
from tabrl_py.config import NetworkConfig, PPOConfig, Recipe
from tabrl_py.errors import ConfigError, ModelError, PolicyFileError
from tabrl_py.player_messages import Inspect, ResetRows, SetSpeed, SingleStep, StartPlaying, Steer
from tabrl_py.policy import load_policy, save_policy
from tabrl_py.protocol import (
    Detail,
    EpisodeEnded,
    Evaluated,
    Frame,
    Pause,
    Push,
    RequestEvaluation,
    Resume,
    Started,
    StateChanged,
    Stop,
)
from tabrl_py.sim.models import model_path
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task
from tabrl_py.types import Float
from tabrl_py.workers.pace import Pace
from tabrl_py.workers.player import Player
from tests.unit.worker_host import RecordingHost


def policy_for(task_id: str, seed: int = 1) -> bytes:
    """An untrained policy: what it does depends on its weights all the same."""
    task = get_task(task_id)
    network = NetworkConfig(hidden=(8,))
    recipe = Recipe(task=task_id, n_envs=2, seed=seed, network=network, algo=PPOConfig(minibatch_size=64))
    return save_policy(Training(recipe, task, NativeBatchSim(task, 2)).policy())


def play(task_id: str, policy: bytes | None, n_envs: int = 4, seed: int = 0, **more: Any) -> StartPlaying:
    task = get_task(task_id)
    record = json.loads(json.dumps(task.to_json()))
    return StartPlaying(record, model_path(task.model).read_text(), policy, n_envs, seed, **more)


@pytest.fixture
def host() -> RecordingHost:
    return RecordingHost()


@pytest.fixture
def player(host: RecordingHost) -> Player:
    return Player(host)


def run(player: Player, host: RecordingHost, steps: int) -> None:
    """As many control steps, the clock always being where the next one is due."""
    for _ in range(steps):
        wait = player.advance()
        host.time_s += wait or 0.0


@pytest.mark.parametrize(
    "task_id",
    ["InvertedPendulum-v5", "Hopper-v5", "humanoid-stand", "humanoid-command", "humanoid-walk-rough"],
)
@pytest.mark.parametrize("random", [False, True], ids=["policy", "random"])
def test_the_first_episode_of_a_row_is_that_of_the_evaluation(
    player: Player, host: RecordingHost, task_id: str, random: bool
) -> None:
    policy = None if random else policy_for(task_id)
    task = get_task(task_id)
    seeds = [3, 4, 5, 6]
    actor = None if policy is None else load_policy(policy)
    evaluator = Evaluator(actor, task, NativeBatchSim(task, 4), seeds)
    while (evaluation := evaluator.advance()) is None:
        pass
    player.handle(play(task_id, policy, seed=3))
    run(player, host, max(evaluation.lengths))
    ended = {m.seed: m for m in host.of(EpisodeEnded) if m.seed is not None}
    assert sorted(ended) == seeds
    for k, seed in enumerate(seeds):
        message = ended[seed]
        assert message.episode_return == evaluation.returns[k]
        assert (message.steps, message.terminated) == (evaluation.lengths[k], evaluation.terminated[k])
        assert message.row == k
        assert not message.disturbed
        if evaluation.distances:
            assert message.distance == evaluation.distances[k]
        else:
            assert message.distance is None


def test_an_evaluation_that_cannot_go_on_tells_who_asked_and_lets_the_next_begin(
    player: Player, host: RecordingHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = play("InvertedPendulum-v5", None)
    for request in (5, 6):
        player.handle(RequestEvaluation(request, None, show.task, show.model_xml, [0]))

    def step(actions: Float) -> None:
        raise ModelError(f"{len(actions)} robot too many")

    monkeypatch.setattr(host.sims[0], "step", step)
    run(player, host, 300)
    (failed,) = host.failures()
    assert (failed.id, failed.name, failed.fatal) == (5, "ModelError", False)
    assert [found.id for found in host.of(Evaluated)] == [6]


def test_later_episodes_have_no_evaluation_seed_and_differ(player: Player, host: RecordingHost) -> None:
    player.handle(play("InvertedPendulum-v5", None, n_envs=1))
    run(player, host, 60)
    ended = host.of(EpisodeEnded)
    assert [m.seed for m in ended[:3]] == [0, None, None]
    assert len({m.steps for m in ended}) > 1


def test_resetting_starts_from_the_evaluation_seeds_again(player: Player, host: RecordingHost) -> None:
    policy = policy_for("InvertedPendulum-v5")
    player.handle(play("InvertedPendulum-v5", policy))
    sim = host.sims[0]
    first = sim.obs.copy()
    run(player, host, 9)
    assert not np.array_equal(sim.obs, first)
    player.handle(ResetRows())
    assert np.array_equal(sim.obs, first)
    player.publish()
    assert host.last(Frame).steps == [0, 0, 0, 0]


def test_who_is_looked_into_is_told_of_with_each_frame(player: Player, host: RecordingHost) -> None:
    player.handle(play("Hopper-v5", None, first_row=4))
    player.publish()
    assert not host.of(Detail)
    player.handle(Inspect(6))
    player.publish()
    detail = host.last(Detail)
    assert (detail.row, detail.terms) == (6, {})
    run(player, host, 2)
    before = host.sims[0].states()
    player.publish()
    np.testing.assert_array_equal(host.sims[0].states(), before)
    detail, frame = host.last(Detail), host.last(Frame)
    assert set(detail.terms) == {"forward", "control", "alive"}
    assert sum(detail.terms.values()) != pytest.approx(0.0)
    assert len(detail.action) == 3
    assert len(detail.joints) == 6
    assert frame.steps[2] == 2
    run(player, host, 1)
    earned = frame.returns[2]
    player.publish()
    terms = host.last(Detail).terms
    assert host.last(Frame).returns[2] - earned == pytest.approx(sum(terms.values()))
    told = len(host.of(Detail))
    # Row 3 is another worker's.
    player.handle(Inspect(3))
    player.publish()
    assert len(host.of(Detail)) == told


def test_speed_sets_when_the_next_step_is_due(player: Player, host: RecordingHost) -> None:
    player.handle(play("InvertedPendulum-v5", None))
    assert player.advance() == pytest.approx(0.04)
    assert player._show is not None
    host.time_s += 0.01
    assert player.advance() == pytest.approx(0.03)
    assert player._show.steps == 1
    player.handle(SetSpeed(4.0))
    assert player.advance() == pytest.approx(0.01)
    host.time_s += 0.01
    assert player.advance() == pytest.approx(0.01)
    assert player._show.steps == 3


def test_a_late_player_does_not_run_after_what_it_missed() -> None:
    pace = Pace(0.02, 1.0, 0.0)
    pace.stepped(0.0)
    assert pace.wait(5.0) == 0.0
    caught_up = 0
    while pace.wait(5.0) == 0.0:
        pace.stepped(5.0)
        caught_up += 1
    assert caught_up <= 6


def test_the_real_time_factor_is_what_the_clock_says() -> None:
    pace = Pace(0.02, 8.0, 0.0)
    assert pace.factor is None
    now = 0.0
    while now < 1.2:  # each step takes 0.04 s: half of real time, whatever was asked for
        now += 0.04
        pace.stepped(now)
    assert pace.factor == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("speed", [0.0, 0.05, 9.0, -1.0, float("nan")])
def test_an_absurd_speed_is_refused_and_the_show_goes_on(
    player: Player, host: RecordingHost, speed: float
) -> None:
    player.handle(play("InvertedPendulum-v5", None))
    with pytest.raises(ConfigError, match="speed="):
        player.handle(SetSpeed(speed))
    with pytest.raises(ConfigError, match="speed="):
        player.handle(play("Hopper-v5", None, speed=speed))
    assert player._show is not None
    assert player._show.task.id == "InvertedPendulum-v5"
    assert player.advance() is not None


def test_pause_single_step_and_resume(player: Player, host: RecordingHost) -> None:
    player.handle(play("HalfCheetah-v5", None))
    player.advance()
    player.handle(Pause())
    host.time_s += 5.0
    assert player.advance() is None
    player.handle(SingleStep())
    player.handle(SingleStep())
    player.publish()
    assert host.last(Frame).steps == [3, 3, 3, 3]
    assert host.last(Frame).real_time_factor is None
    assert player.advance() is None
    player.handle(Resume())
    assert [m.state for m in host.of(StateChanged)] == ["paused", "running"]
    assert player.advance() == pytest.approx(0.05)


def test_a_single_step_pauses_a_running_show(player: Player, host: RecordingHost) -> None:
    player.handle(play("InvertedPendulum-v5", None))
    player.handle(SingleStep())
    assert host.posted[-1] == StateChanged("paused")
    assert player.advance() is None


def test_a_pushed_episode_is_marked_and_the_next_is_not(player: Player, host: RecordingHost) -> None:
    player.handle(play("InvertedPendulum-v5", policy_for("InvertedPendulum-v5"), n_envs=2))
    run(player, host, 1)
    player.handle(Push(1, 1, [900.0, 0.0, 0.0], [0.0, 0.0, 0.0], 3))
    run(player, host, 60)
    of_row_1 = [m.disturbed for m in host.of(EpisodeEnded) if m.row == 1]
    assert of_row_1[:2] == [True, False]
    assert not any(m.disturbed for m in host.of(EpisodeEnded) if m.row == 0)


def test_exploration_noise_only_when_asked_for(host: RecordingHost) -> None:
    policy = policy_for("Hopper-v5")
    seen = []
    for deterministic in (True, False, False):
        player = Player(host)
        player.handle(play("Hopper-v5", policy, deterministic=deterministic))
        run(player, host, 3)
        seen.append(host.sims[-1].obs.copy())
    assert not np.array_equal(seen[0], seen[1])
    assert np.array_equal(seen[1], seen[2])


def test_what_is_started_is_announced(player: Player, host: RecordingHost) -> None:
    policy = policy_for("Hopper-v5")
    player.handle(play("Hopper-v5", policy, n_envs=3))
    started = host.last(Started)
    assert (started.task_id, started.rows, started.n_envs) == ("Hopper-v5", [0, 1, 2], 3)
    assert started.parameters == load_policy(policy).params.size
    player.publish()
    frame = host.last(Frame)
    assert len(frame.poses) == 3 * host.sims[0].nbody * 7 * 4
    player.publish()
    assert len(host.of(Frame)) == 1


def test_an_evaluation_beside_a_show(player: Player, host: RecordingHost) -> None:
    player.handle(play("InvertedPendulum-v5", None))
    task = get_task("InvertedPendulum-v5")
    xml = model_path(task.model).read_text()
    record = json.loads(json.dumps(task.to_json()))
    player.handle(RequestEvaluation(4, policy_for(task.id), record, xml, [0, 1]))
    while not host.of(Evaluated):
        assert player.advance() == 0.0
    assert host.last(Evaluated).id == 4
    assert player._show is not None
    assert player._show.steps == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [({"n_envs": 0}, "n_envs=0"), ({"n_envs": 5000}, "n_envs=5000"), ({"seed": -1}, "seed=-1")],
)
def test_an_absurd_show_is_refused(player: Player, change: dict[str, int], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        player.handle(play("Hopper-v5", None, **change))


def test_a_policy_that_does_not_fit_is_refused_and_the_show_goes_on(
    player: Player, host: RecordingHost
) -> None:
    player.handle(play("InvertedPendulum-v5", None))
    with pytest.raises(PolicyFileError, match="Hopper-v5"):
        player.handle(play("Walker2d-v5", policy_for("Hopper-v5")))
    with pytest.raises(PolicyFileError):
        player.handle(play("Hopper-v5", policy_for("Hopper-v5")[:-1]))
    assert player.advance() is not None
    assert len(host.of(Started)) == 1


@pytest.mark.parametrize("message", [Pause(), Resume(), SingleStep(), ResetRows()])
def test_commands_without_a_show_are_refused(player: Player, message: Any) -> None:
    with pytest.raises(ConfigError, match="nothing is shown"):
        player.handle(message)


def test_a_trainers_message_is_refused(player: Player) -> None:
    with pytest.raises(ConfigError, match="Stop"):
        player.handle(Stop())


def commands(host: RecordingHost) -> np.ndarray:
    """Those of the newest frame, (K, 3)."""
    return np.array(host.last(Frame).commands).reshape(-1, 3)


def test_steering_gives_every_row_the_command_within_the_tasks_bounds(
    player: Player, host: RecordingHost
) -> None:
    player.handle(play("humanoid-command", None))
    player.publish()
    own = commands(host)
    assert len(np.unique(own, axis=0)) == 4
    player.handle(Steer([0.8, -9.0, 0.25]))
    player.publish()
    wanted = np.tile(np.array([0.8, -0.4, 0.25], np.float32), (4, 1))
    np.testing.assert_array_equal(commands(host), wanted)
    run(player, host, 400)
    player.publish()
    np.testing.assert_array_equal(commands(host), wanted)
    ended = host.of(EpisodeEnded)
    assert len(ended) > 4
    assert all(message.disturbed for message in ended)
    player.handle(Steer([]))
    run(player, host, 400)
    player.publish()
    assert len(np.unique(commands(host), axis=0)) == 4
    assert not host.of(EpisodeEnded)[-1].disturbed


@pytest.mark.parametrize(
    ("task_id", "command", "words"),
    [
        ("humanoid-stand", [1.0, 0.0, 0.0], "takes no command"),
        ("humanoid-command", [1.0], "must be 3 numbers: forward, sideways, turn"),
        ("humanoid-command", [float("nan"), 0.0, 0.0], "must be 3 numbers"),
    ],
)
def test_a_command_that_does_not_fit_is_refused(
    player: Player, host: RecordingHost, task_id: str, command: list[float], words: str
) -> None:
    player.handle(play(task_id, None))
    with pytest.raises(ConfigError, match=words):
        player.handle(Steer(command))
    player.publish()
    assert bool(host.last(Frame).commands) == (task_id == "humanoid-command")
