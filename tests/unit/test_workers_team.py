"""Several trainers that learn one policy: who says what, and that stopping and pausing reach all of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from tabrl_py.algos.team import together
from tabrl_py.errors import ConfigError
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
    Resume,
    Started,
    StateChanged,
    Stop,
    ToWorker,
)
from tabrl_py.workers.trainer import WAIT_S, Trainer
from tests.unit.test_workers_trainer import RECIPE, finish, start
from tests.unit.worker_host import RecordingHost


class Workers:
    """The trainers of a team and their hosts, taking turns."""

    def __init__(self, members: int) -> None:
        self.hosts = [RecordingHost(line) for line in together(members)]
        self.trainers = [Trainer(host) for host in self.hosts]

    def start(self, **more: Any) -> None:
        for member, trainer in enumerate(self.trainers):
            trainer.handle(start(members=len(self.trainers), member=member, **more))

    def tell(self, message: ToWorker) -> None:
        for trainer in self.trainers:
            trainer.handle(message)

    def work(self, turns: int = 1) -> list[float | None]:
        for _ in range(turns):
            said = [trainer.advance() for trainer in self.trainers]
        return said

    def finish(self) -> None:
        for _ in range(10_000):
            self.work()
            if StateChanged("finished") in self.hosts[0].posted:
                return
        raise AssertionError("the run does not end")


def alone(**more: Any) -> RecordingHost:
    host = RecordingHost()
    trainer = Trainer(host)
    trainer.handle(start(**more))
    finish(trainer, host)
    return host


@pytest.mark.parametrize("members", [2, 3])
def test_the_first_worker_reports_and_the_others_are_still(members: int) -> None:
    one = alone(checkpoint_every_updates=2)
    workers = Workers(members)
    workers.start(checkpoint_every_updates=2)
    workers.finish()
    first, *others = workers.hosts
    assert [type(m) for m in first.posted] == [type(m) for m in one.posted]
    assert first.last(PolicyFile).policy == one.last(PolicyFile).policy
    assert first.last(Evaluated) == one.last(Evaluated)
    for host in others:
        assert [type(m) for m in host.posted] == [Started]
    assert workers.work() == [None] * members


def test_frames_come_from_whoever_has_the_row() -> None:
    workers = Workers(2)
    workers.start()
    for trainer in workers.trainers:
        trainer.handle(
            dataclasses.replace(start(members=2), visible=6, member=trainer is workers.trainers[1])
        )
    assert [host.last(Started).rows for host in workers.hosts] == [[0, 1, 2, 3], [4, 5]]
    assert [host.last(Started).n_envs for host in workers.hosts] == [8, 8]
    workers.work(3)
    for trainer in workers.trainers:
        trainer.publish()
    host = RecordingHost()
    single = Trainer(host)
    single.handle(dataclasses.replace(start(), visible=6))
    for _ in range(3):
        single.advance()
    single.publish()
    frames = [host.last(Frame) for host in workers.hosts]
    whole = host.last(Frame)
    assert b"".join(frame.poses for frame in frames) == whole.poses
    assert frames[0].returns + frames[1].returns == whole.returns
    assert frames[0].sim_s == whole.sim_s


def test_a_push_is_taken_by_the_worker_that_has_the_row() -> None:
    workers = Workers(2)
    workers.start()
    pushed = Push(5, 1, [50.0, 0.0, 0.0], [0.0, 0.0, 0.0], 1)
    with pytest.raises(ValueError, match="row=5 is not here; the rows are 0 to 3"):
        workers.trainers[0].handle(pushed)
    workers.trainers[1].handle(pushed)
    host = RecordingHost()
    single = Trainer(host)
    single.handle(start())
    single.handle(pushed)
    single.advance()
    workers.work()
    states = np.concatenate([host.sims[0].states() for host in workers.hosts])
    assert np.array_equal(states, host.sims[0].states())


def test_a_worker_that_waits_is_asked_again_soon_and_still_takes_messages() -> None:
    workers = Workers(2)
    workers.start()
    first = workers.trainers[0]
    assert [first.advance() for _ in range(20)][-3:] == [WAIT_S] * 3
    first.handle(RequestCheckpoint(3))
    assert workers.hosts[0].last(CheckpointFile).steps == 0
    first.handle(Pause())
    assert first.advance() is None
    first.handle(Resume())
    workers.finish()
    assert workers.hosts[0].last(PolicyFile).policy == alone().last(PolicyFile).policy


def test_stop_ends_all_of_them_wherever_they_are() -> None:
    workers = Workers(2)
    workers.start()
    while not workers.hosts[0].of(Progressed):
        workers.work()
    workers.trainers[0].advance()
    for _ in range(18):  # into the next exchange, where the other waits
        workers.trainers[1].advance()
    workers.tell(Stop())
    assert workers.trainers[1].advance() is None
    while StateChanged("stopped") not in workers.hosts[0].posted:
        workers.work()
    policy = load_policy(workers.hosts[0].last(PolicyFile).policy)
    assert policy.evaluation is not None
    assert [type(m) for m in workers.hosts[1].posted] == [Started]


def test_another_team_goes_on_from_the_checkpoint_of_the_one_before() -> None:
    workers = Workers(2)
    workers.start()
    while len(workers.hosts[0].of(Progressed)) < 2:
        workers.work()
    workers.trainers[0].handle(RequestCheckpoint(1))
    checkpoint = workers.hosts[0].last(CheckpointFile).checkpoint
    more = Workers(4)
    more.start(checkpoint=checkpoint)
    assert [host.last(Started).steps for host in more.hosts] == [256] * 4
    more.finish()
    assert more.hosts[0].last(PolicyFile).policy == alone().last(PolicyFile).policy


def test_more_workers_than_shards_are_refused() -> None:
    line = together(9)[0]
    with pytest.raises(ConfigError, match="members=9"):
        Trainer(RecordingHost(line)).handle(start(RECIPE, members=9, member=0))
