"""The page's player without Python beside Python's: same draws, rewards, trajectories and refusals."""

from __future__ import annotations

import base64
import json
import math
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tabrl_py.algos.evaluate import Evaluator
from tabrl_py.algos.team import Team
from tabrl_py.player_messages import StartPlaying, Steer
from tabrl_py.policy import Policy, load_policy, save_policy
from tabrl_py.protocol import FromWorker, Push
from tabrl_py.rewards.library import REWARDS
from tabrl_py.rewards.state import State
from tabrl_py.rewards.trace import trace, trace_reward
from tabrl_py.rng import Purpose, stream
from tabrl_py.sim.batch import BatchSim
from tabrl_py.sim.models import model_path
from tabrl_py.tasks import TASKS, TaskSpec, get_task
from tabrl_py.workers.player import Show
from tests.parity.node_sim import MUJOCO, ROOT, Node, NodeBatchSim

HERE = Path(__file__).parent
STAND = ROOT / "web" / "policies" / "humanoid-stand.safetensors"
STEPS = 200
RETURNS = 1e-7
"""A first state's sine that differs in its last bit grows to a billionth of the return within a fall."""
INSPECTED = 1
"""The robot that is looked into while they move; nobody moves differently by it."""
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workers' modules where Node.js takes them for modules."""
    folder = tmp_path_factory.mktemp("player") / "workers"
    shutil.copytree(ROOT / "web" / "workers", folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


@pytest.fixture
def ask(workers: Path) -> Ask:
    """Asks tests/parity/node_player.mjs for something."""
    node = shutil.which("node")
    assert node is not None

    def ask_(call: str, *, refused: bool = False, **job: Any) -> Any:
        command = [node, str(HERE / "node_player.mjs"), MUJOCO.as_uri(), workers.as_uri()]
        text = json.dumps({"call": call, **job})
        result = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=120)
        assert result.returncode == 0, result.stderr
        answer = json.loads(result.stdout)
        assert refused or not isinstance(answer, dict) or "error" not in answer, str(answer)
        return answer

    return ask_


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    process = Node(tmp_path)
    yield process
    process.close()


class Host:
    """Python's player on the WebAssembly engine: what remains to differ is the player."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.posted: list[FromWorker] = []

    def post(self, message: FromWorker) -> None:
        self.posted.append(message)

    def make_sim(self, task: TaskSpec, xml: str, n_envs: int) -> BatchSim:
        return NodeBatchSim(self.node, task, n_envs, xml)

    def now(self) -> float:
        return 0.0

    def team(self, members: int, member: int) -> Team:
        raise AssertionError("a player has no team")


def job_of(task: TaskSpec, policy: bytes | None, **more: Any) -> dict[str, Any]:
    text = None if policy is None else base64.b64encode(policy).decode()
    return {"task": task.to_json(), "model_xml": model_path(task.model).read_text(), "policy": text, **more}


def policy_for(task: TaskSpec, **changes: Any) -> bytes:
    """A policy of random weights."""
    sizes = (task.obs_size, 24, 16, task.action_size)
    rng = np.random.default_rng(5)
    count = sum((a + 1) * b for a, b in pairwise(sizes)) + sizes[-1]
    settings: dict[str, Any] = {
        "activation": "tanh",
        "params": rng.normal(0.0, 0.3, count).astype(np.float32),
        "obs_mean": rng.normal(0.0, 0.1, task.obs_size),
        "obs_var": rng.uniform(0.5, 2.0, task.obs_size),
        "obs_count": 10.0,
        **changes,
    }
    return save_policy(
        Policy(
            task=task.id,
            model=task.model,
            layout_version=task.layout_version,
            sizes=sizes,
            action_low=task.action_low,
            action_high=task.action_high,
            **settings,
        )
    )


def test_streams_are_numpys(ask: Ask) -> None:
    kinds: list[list[Any]] = [["word"], ["random"], ["half"], ["random"], ["half"], ["half"], ["randomFloat"]]
    kinds += [["uniform", -0.3, 0.7], ["integer", 3], ["integer", 3_000_000_000], ["integer", 1]] * 40
    for key in ((3, 6, 0, 0), (2**32 - 1, 8, 11, 2**40 + 3), (0, 12, 5, (7 << 20) | 250)):
        rng = stream(key[0], Purpose(key[1]), key[2], key[3])
        raw = rng.bit_generator
        expected: list[Any] = [str(raw.random_raw()), rng.random()]
        low_first = int(rng.integers(2**32, dtype=np.uint32))
        expected += [low_first, rng.random()]
        expected += [int(rng.integers(2**32, dtype=np.uint32)) for _ in range(2)]
        expected += [float(rng.random(dtype=np.float32))]
        for _ in range(40):
            expected += [rng.uniform(-0.3, 0.7), int(rng.integers(3)), int(rng.integers(3_000_000_000))]
            expected += [int(rng.integers(1))]
        assert ask("draw", key=[*key[:3], key[3]], kinds=kinds) == expected


@pytest.mark.parametrize("task_id", list(TASKS))
def test_every_reward_is_a_program_that_gives_the_same(ask: Ask, task_id: str) -> None:
    task = get_task(task_id)
    program = trace_reward(task)
    assert program is not None, (
        "written in a way that trace.py cannot follow: the page would need Python to show it"
    )
    rng, n, dt = np.random.default_rng(1), 40, 0.025
    signals, before = rng.normal(0.0, 1.5, (2, n, task.signal_size))
    action = rng.uniform(-1.2, 1.2, (n, task.action_size)).astype(np.float32)
    terminated = rng.random(n) < 0.3
    state = State(task.signal_slices(), signals, before, action.astype(np.float64), dt, terminated)
    expected, terms = REWARDS[task.reward.name](state, **task.reward.params)
    steps = [
        {
            "signals": signals[i].tolist(),
            "prev": before[i].tolist(),
            "action": [float(x) for x in action[i]],
            "dt": dt,
            "terminated": int(terminated[i]),
        }
        for i in range(n)
    ]
    answer = ask("reward", program=program, steps=steps)
    np.testing.assert_allclose(answer["totals"], expected, rtol=1e-13, atol=1e-13)
    for told in (answer["terms"], answer["together"]):
        assert all(list(each) == list(terms) for each in told), "their names, in their order"
        for name, values in terms.items():
            np.testing.assert_allclose([each[name] for each in told], values, rtol=1e-13, atol=1e-13)
        sums = [math.fsum(each.values()) for each in told]
        np.testing.assert_allclose(sums, expected, rtol=1e-12, atol=1e-12)


def test_a_reward_that_branches_is_no_program() -> None:
    task = get_task("Hopper-v5")
    assert trace(lambda s: (s.position * 2.0, {}), task) is not None
    assert trace(lambda s: (s.position if s.position > 1.0 else -s.position, {}), task) is None
    assert trace(lambda s: (np.sort(s.position), {}), task) is None
    assert trace(lambda s: (1.0, {}), task) is None
    assert trace(lambda s: (s.position * 2.0, {"sorted": np.sort(s.position)}), task) is None


def show_both(
    ask: Ask, node: Node, task: TaskSpec, policy: bytes | None, said: Sequence[tuple[int, str, Any]] = ()
) -> None:
    """Run a show in Python and in JavaScript and compare every step."""
    record = json.loads(json.dumps(task.to_json()))
    message = StartPlaying(record, model_path(task.model).read_text(), policy, 3, 40)
    programs = {task.id: trace_reward(task)}
    listed = [{"at": at, "call": call, "argument": argument.__dict__} for at, call, argument in said]
    job = job_of(task, policy, n_envs=3, seed=40, deterministic=True, speed=1)
    answer = ask("show", message=job, programs=programs, steps=STEPS, said=listed, inspected=INSPECTED)
    assert answer["details"].pop(0)["terms"] == {}, "no step, no reward"
    host = Host(node)
    show = Show(host, message)
    np.testing.assert_allclose(answer["next"], show.sim.next_init.ravel(), rtol=0.0, atol=1e-15)
    for step in range(STEPS):
        for at, call, argument in said:
            if at == step:
                getattr(show, call)(argument)
        show.step()
        frame, expected = answer["frames"][step], show.frame(None)
        np.testing.assert_allclose(
            frame["poses"], np.frombuffer(expected.poses, np.float32), rtol=0.0, atol=1e-5, err_msg=f"{step}"
        )
        np.testing.assert_allclose(frame["returns"], expected.returns, rtol=RETURNS, atol=RETURNS)
        np.testing.assert_allclose(frame["commands"], expected.commands, rtol=1e-6)
        assert frame["steps"] == expected.steps
        terms = show.terms(INSPECTED)
        assert answer["details"][step]["terms"] == pytest.approx(terms, rel=RETURNS, abs=RETURNS)
        assert list(answer["details"][step]["terms"]) == list(terms)
    assert len(answer["ended"]) == len(host.posted)
    for ended, posted in zip(answer["ended"], host.posted, strict=True):
        for name, value in posted.__dict__.items():
            assert ended[name] == (pytest.approx(value, rel=RETURNS) if type(value) is float else value), name
    started = {"type": "started", **show.started().__dict__}
    assert answer["started"] == started


UNIFORM = [t.id for t in TASKS.values() if t.reset.qvel_kind == "uniform" and "torque" not in t.id]


@pytest.mark.parametrize("task_id", UNIFORM)
def test_random_actions_move_robots_as_in_python(ask: Ask, node: Node, task_id: str) -> None:
    show_both(ask, node, get_task(task_id), None)


def test_a_trained_policy_moves_robots_as_in_python(ask: Ask, node: Node) -> None:
    policy = STAND.read_bytes()
    task = get_task(load_policy(policy).task)
    push = Push(1, 1, [300.0, -80.0, 0.0], [0.1, 0.2, 1.1], 4)
    show_both(ask, node, task, policy, [(60, "push", push)])


@pytest.mark.parametrize(
    "changes",
    [{"activation": "relu"}, {"activation": "elu", "layer_norm": True}, {"squash": "tanh", "obs_mean": None}],
    ids=["relu", "elu and layer norm", "squashed"],
)
def test_every_kind_of_network_acts_as_in_python(ask: Ask, node: Node, changes: dict[str, Any]) -> None:
    task = get_task("Hopper-v5")
    if "obs_mean" in changes:
        changes = {**changes, "obs_var": None, "obs_count": 0.0}
    show_both(ask, node, task, policy_for(task, **changes))


def test_a_command_steers_as_in_python(ask: Ask, node: Node) -> None:
    task = get_task("humanoid-command")
    said = [(20, "steer", Steer([0.8, -9.0, 0.25])), (120, "steer", Steer([]))]
    show_both(ask, node, task, policy_for(task), said)


@pytest.mark.parametrize("task_id", ["humanoid-stand", "humanoid-command", "Hopper-v5", "Swimmer-v5"])
def test_evaluations_are_pythons(ask: Ask, node: Node, task_id: str) -> None:
    task = get_task(task_id)
    if task.time_limit > 300:
        task = replace(task, time_limit=300)
    policy = policy_for(task)
    job = job_of(task, policy, id=3, seeds=[2, 3, 9])
    answer = ask("evaluate", message=job, programs={task.id: trace_reward(task)})
    evaluator = Evaluator(load_policy(policy), task, NodeBatchSim(node, task, 3), [2, 3, 9])
    while (expected := evaluator.advance()) is None:
        pass
    record = expected.__dict__
    assert set(answer) == set(record)
    for name, value in record.items():
        assert answer[name] == pytest.approx(value, rel=1e-9), name


def test_what_only_python_can_show_is_refused_by_name(ask: Ask) -> None:
    normal = get_task("HalfCheetah-v5")
    message = job_of(normal, None, n_envs=1, seed=0, deterministic=True, speed=1)
    programs = {normal.id: trace_reward(normal)}
    answer = ask("show", message=message, programs=programs, steps=0, said=[], refused=True)
    assert answer["error"] == "NeedsPythonError"
    hopper = get_task("Hopper-v5")
    message = job_of(hopper, None, n_envs=1, seed=0, deterministic=True, speed=1)
    answer = ask("show", message=message, programs={hopper.id: None}, steps=0, said=[], refused=True)
    assert answer["error"] == "NeedsPythonError"


@pytest.mark.parametrize(("task_id", "nv"), [("HalfCheetah-v5", 9), ("Hopper-v5", 6)])
def test_what_is_only_seen_needs_neither_a_reward_nor_numpys_normal_draws(
    ask: Ask, task_id: str, nv: int
) -> None:
    task = get_task(task_id)
    message = job_of(task, None, n_envs=1, seed=0, deterministic=True, speed=1, only_seen=True)
    shown = ask("show", message=message, programs={task.id: None}, steps=10, said=[])
    assert [frame["returns"] for frame in shown["frames"]] == [[]] * 10
    assert shown["frames"][0]["poses"] != shown["frames"][-1]["poses"]
    velocities = np.array(shown["next"][-nv:])
    assert 0.0 < np.abs(velocities).max() < 5 * task.reset.qvel_noise


def damaged(policy: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The file with another header; offsets are kept."""
    length = int.from_bytes(policy[:8], "little")
    header = json.loads(policy[8 : 8 + length])
    change(header)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + policy[8 + length :]


def _meta(name: str, value: str) -> Callable[[dict[str, Any]], None]:
    return lambda header: header["__metadata__"].update({name: value})


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "short": lambda data: data[: len(data) // 2],
    "text": lambda data: b"This is a letter, not a policy. " * 40,
    "foreign": lambda data: damaged(data, _meta("format", "pt")),
    "newer": lambda data: damaged(data, _meta("format_version", "9")),
    "other task": lambda data: damaged(data, _meta("task", "Walker2d-v5")),
    "other robot": lambda data: damaged(data, _meta("model", "ant")),
    "other layout": lambda data: damaged(data, _meta("layout_version", "7")),
    "other sizes": lambda data: damaged(data, _meta("network", '{"activation":"tanh","hidden":[3]}')),
    "other bounds": lambda data: damaged(data, _meta("action_low", "[-2,-2,-2]")),
    "no weights": lambda data: damaged(data, lambda header: header.pop("actor.0.weight")),
    "not finite": lambda data: data[:-4] + np.float32(math.nan).tobytes(),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_bad_policy_is_refused(ask: Ask, kind: str) -> None:
    task = get_task("Hopper-v5")
    job = job_of(task, BROKEN[kind](policy_for(task)), n_envs=1, seed=0, deterministic=True, speed=1)
    answer = ask("show", message=job, programs={task.id: trace_reward(task)}, steps=0, said=[], refused=True)
    assert answer["error"] == "PolicyFileError"
    assert len(answer["message"]) > 20
