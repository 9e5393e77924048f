"""The evaluator of a worker: fitness by message, trials of code by message."""

import dataclasses
import json
from pathlib import Path

import pytest

from tabrl_py.code_messages import CodeTried, Fitness, MeasureFitness, TryCode
from tabrl_py.errors import ConfigError, ModelError, PolicyFileError
from tabrl_py.policy import load_policy, save_policy
from tabrl_py.policy.exports import export_policy
from tabrl_py.policy_messages import PolicyRead, PolicyWritten, ReadPolicy, WritePolicy
from tabrl_py.protocol import Pause
from tabrl_py.rewards.fitness import FITNESS
from tabrl_py.rewards.measure import measure_fitness
from tabrl_py.sim.models import actuators_of, model_path
from tabrl_py.sim.native import NativeBatchSim
from tabrl_py.tasks import get_task, with_signals
from tabrl_py.types import Float
from tabrl_py.workers.evaluator import Evaluator
from tabrl_py.workers.messages import encode
from tests.unit.worker_host import RecordingHost, work

WALK = get_task("humanoid-walk")
WALKER = (Path(__file__).parents[2] / "web/policies/humanoid-walk.safetensors").read_bytes()
RECORD = json.loads(json.dumps(WALK.to_json()))
REWARD = "def reward(s):\n    return s.upright, {'upright': s.upright}"


def model() -> str:
    return model_path(WALK.model).read_text()


def started() -> tuple[RecordingHost, Evaluator]:
    host = RecordingHost()
    return host, Evaluator(host)


def measure(request: int, policy: bytes, fitness: str, seeds: list[int]) -> MeasureFitness:
    return MeasureFitness(request, policy, RECORD, model(), fitness, seeds)


def test_fitness_is_that_of_the_native_measurement_whatever_else_waits() -> None:
    host, evaluator = started()
    evaluator.handle(measure(1, WALKER, "", [3, 4]))
    evaluator.handle(measure(2, WALKER, FITNESS["humanoid-hop"].source, [3, 4]))
    work(evaluator, lambda: len(host.of(Fitness)) == 2)
    first, second = host.of(Fitness)
    expected = measure_fitness(
        load_policy(WALKER), WALK, "humanoid-walk", NativeBatchSim(with_signals(WALK), 1), [3, 4]
    )
    assert (first.id, first.per_seed, first.metrics) == (1, expected.per_seed, expected.metrics)
    assert first.fitness == pytest.approx(sum(expected.per_seed) / 2)
    assert first.fitness > 0.8
    assert not any(first.falls)
    assert second.fitness < 0.5
    assert evaluator.advance() is None


def test_a_fitness_owes_nothing_to_the_reward_that_a_policy_was_trained_with() -> None:
    """A policy that names another reward, sound or not, has the fitness of its weights."""
    host, evaluator = started()
    plain = load_policy(WALKER)
    forged = dataclasses.replace(plain, recipe={**plain.recipe, "reward": "def reward(s):\n    return 1e9"})
    evaluator.handle(measure(1, save_policy(plain), "", [5]))
    evaluator.handle(measure(2, save_policy(forged), "", [5]))
    work(evaluator, lambda: len(host.of(Fitness)) == 2)
    first, second = host.of(Fitness)
    assert first.per_seed == second.per_seed


def test_code_is_checked_and_tried() -> None:
    host, evaluator = started()
    for request, source in enumerate((REWARD, "def reward(s):\n    return s.x, {}", "def reward(s):")):
        evaluator.handle(TryCode(request, RECORD, model(), source))
    fine, unsound, broken = host.of(CodeTried)
    assert fine.problems == []
    assert fine.ms_per_4096 > 0.0
    assert set(fine.terms) == {"upright"}
    assert [problem.line for problem in unsound.problems] == [2]
    assert broken.problems[0].rule == "syntax"
    text, _ = encode(unsound)
    assert '"line": 2' in text
    evaluator.handle(TryCode(9, RECORD, "", REWARD))
    assert host.last(CodeTried).ms_per_4096 == 0.0


def test_a_measurement_that_cannot_go_on_tells_who_asked_and_lets_the_next_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host, evaluator = started()
    evaluator.handle(measure(8, WALKER, "", [1]))
    evaluator.handle(measure(9, WALKER, "", [1]))

    def step(actions: Float) -> None:
        raise ModelError(f"{len(actions)} robot too many")

    monkeypatch.setattr(host.sims[0], "step", step)
    work(evaluator, lambda: bool(host.of(Fitness)))
    (failed,) = host.failures()
    assert (failed.id, failed.name, failed.fatal) == (8, "ModelError", False)
    assert [found.id for found in host.of(Fitness)] == [9]


def test_other_messages_are_refused() -> None:
    _, evaluator = started()
    with pytest.raises(ConfigError, match="cannot take Pause"):
        evaluator.handle(Pause())


def test_unknown_fitness_and_seeds_are_refused() -> None:
    _, evaluator = started()
    with pytest.raises(ConfigError, match="neither code"):
        evaluator.handle(measure(7, WALKER, "speed", [1]))
    with pytest.raises(ConfigError, match="cannot be evaluated"):
        evaluator.handle(measure(7, WALKER, "", []))


def test_policies_are_written_for_other_programs_and_read_from_them() -> None:
    host, evaluator = started()
    actuators = actuators_of(WALK.model)
    evaluator.handle(WritePolicy(1, WALKER, "onnx", actuators))
    (written,) = host.of(PolicyWritten)
    assert (written.id, written.file) == (1, export_policy(load_policy(WALKER), "onnx", actuators))
    evaluator.handle(ReadPolicy(2, written.file, None, ""))
    (read,) = host.of(PolicyRead)
    assert (read.id, load_policy(read.policy).task) == (2, WALK.id)
    with pytest.raises(PolicyFileError, match="not an ONNX model"):
        evaluator.handle(ReadPolicy(3, b"\x08\x07 nothing", None, ""))
