"""The trainer's and the player's side of the protocol that needs no browser: messages and failures."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tabrl_py.errors import ConfigError, ModelError, PolicyFileError
from tabrl_py.player_messages import SetSpeed
from tabrl_py.protocol import Evaluated, Evaluation, Frame, Pause, RequestEvaluation, StartTraining
from tabrl_py.tasks import get_task
from tabrl_py.workers import messages
from tabrl_py.workers.host import Runner, failed
from tests.unit.worker_host import RecordingHost


def test_a_message_of_the_page_is_read() -> None:
    text = json.dumps({"type": "set_speed", "speed": 2})
    assert messages.decode(text, {}) == SetSpeed(2)
    text = json.dumps({"type": "request_evaluation", "id": 3, "task": {}, "model_xml": "", "seeds": [1]})
    assert messages.decode(text, {"policy": b"xy"}) == RequestEvaluation(3, b"xy", {}, "", [1])


def test_fields_left_out_take_their_defaults() -> None:
    text = json.dumps({"type": "start_training", "recipe": {}, "task": {}, "model_xml": "", "visible": 4})
    message = messages.decode(text, {})
    assert isinstance(message, StartTraining)
    assert message.checkpoint is None
    assert message.checkpoint_every_updates == 10


@pytest.mark.parametrize(
    "text", ['{"type": "dance"}', "[1]", '"pause"', '{"speed": 1}', '{"type": "booting", "stage": "numpy"}']
)
def test_an_unknown_message_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="unknown message"):
        messages.decode(text, {})


@pytest.mark.parametrize(
    ("record", "words"),
    [({"type": "set_speed"}, "speed"), ({"type": "pause", "now": True}, "now")],
    ids=["lacking", "unknown"],
)
def test_a_message_with_wrong_fields_is_refused(record: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        messages.decode(json.dumps(record), {})


def test_binary_fields_cross_beside_the_text() -> None:
    frame = Frame(b"\x01\x02", b"\x03", [1.5], [2], 0.25, None)
    text, binary = messages.encode(frame)
    assert binary == {"poses": b"\x01\x02", "torques": b"\x03"}
    expected = {"type": "frame", "returns": [1.5], "steps": [2], "sim_s": 0.25, "real_time_factor": None}
    expected |= {"commands": [], "show": 0, "balls": []}
    assert json.loads(text) == expected


def test_numbers_that_are_not_finite_cross_as_null() -> None:
    evaluation = Evaluation([0, 1], [float("nan"), 1.0], [1, 1], [True, False], [], float("inf"), 0.0)
    text, _ = messages.encode(Evaluated(1, evaluation))
    assert json.loads(text)["evaluation"]["returns"] == [None, 1.0]
    assert json.loads(text)["evaluation"]["return_mean"] is None


def test_the_pages_task_must_be_this_packages() -> None:
    record = json.loads(json.dumps(get_task("Hopper-v5").to_json()))
    assert messages.task_of(record) is get_task("Hopper-v5")
    with pytest.raises(ConfigError, match="different builds"):
        messages.task_of({**record, "frame_skip": 5})
    with pytest.raises(ConfigError, match="not known"):
        messages.task_of({"id": "Hoper-v5"})


class Failing:
    """A role whose every part fails in the given way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def handle(self, message: object) -> None:
        raise self.error

    def advance(self) -> float | None:
        raise self.error

    def publish(self) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "fatal"),
    [
        (ConfigError("speed=9 is too fast"), False),
        (PolicyFileError("torn"), False),
        (ModelError("no model"), False),
        (ValueError("row=7 does not exist"), False),
        (RuntimeError("a bug"), True),
        (MemoryError(), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_becomes_a_message_that_says_what_to_do(error: Exception, fatal: bool) -> None:
    host = RecordingHost()
    Runner(host, Failing(error)).receive('{"type": "request_policy", "id": 12}')
    (message,) = host.failures()
    assert (message.name, message.fatal, message.id) == (type(error).__name__, fatal, 12)
    assert message.message == (str(error) or "MemoryError")
    assert type(error).__name__ in message.traceback
    assert message.hint.endswith(".")


def test_an_unknown_message_reaches_the_page_as_a_failure() -> None:
    host = RecordingHost()
    Runner(host, Failing(RuntimeError())).receive('{"type": "dance"}')
    (message,) = host.failures()
    assert "unknown message" in message.message
    assert not message.fatal


@pytest.mark.parametrize(
    ("error", "waits"), [(ConfigError("x"), 0.0), (ValueError("a bug"), None), (KeyError("a bug"), None)]
)
def test_an_error_while_working_is_told_and_a_bug_ends_the_work(
    error: Exception, waits: float | None
) -> None:
    host = RecordingHost()
    runner = Runner(host, Failing(error))
    assert runner.advance() == waits
    runner.publish()
    assert [message.fatal for message in host.failures()] == [waits is None] * 2


def test_binary_fields_are_handed_over_by_name() -> None:
    taken: list[Any] = []

    class Taking(Failing):
        def handle(self, message: object) -> None:
            taken.append(message)

    record = {"type": "request_evaluation", "id": 1, "task": {}, "model_xml": "", "seeds": [0]}
    Runner(RecordingHost(), Taking(RuntimeError())).receive(json.dumps(record), ["policy"], [b"weights"])
    assert taken[0].policy == b"weights"


def test_a_failure_keeps_its_cause() -> None:
    try:
        try:
            np.zeros(2).reshape(3)
        except ValueError as error:
            raise ConfigError("the recipe cannot run") from error
    except ConfigError as error:
        message = failed(error, fatal=False)
    assert "cannot reshape" in message.traceback
    assert message.message == "the recipe cannot run"


def test_pause_is_a_message_without_fields() -> None:
    assert messages.decode('{"type": "pause"}', {}) == Pause()
