"""The WebAssembly simulation in Node.js, as a BatchSim that tests can put beside the native one."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from tabrl_py.sim.models import model_path
from tabrl_py.tasks import TaskSpec
from tabrl_py.tasks.spec import TRAITS
from tabrl_py.types import F32, F64, Bool, Float, Rows

ROOT = Path(__file__).resolve().parents[2]
MUJOCO = ROOT / "wasm" / "node_modules" / "@mujoco" / "mujoco" / "mujoco.js"
DRIVER = Path(__file__).with_name("node_sim.mjs")


class Node:
    """A Node.js process that runs web/workers/batch_sim.js; one simulation at a time."""

    def __init__(self, folder: Path) -> None:
        """Copy the workers' modules to `folder`, where Node.js takes them for modules, and start."""
        node = shutil.which("node")
        assert node is not None
        workers = folder / "workers"
        shutil.copytree(ROOT / "web" / "workers", workers)
        (workers / "package.json").write_text('{"type": "module"}')
        command = [node, str(DRIVER), MUJOCO.as_uri(), workers.as_uri()]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def call(self, name: str, *parts: Float, **fields: Any) -> tuple[dict[str, Any], bytes]:
        """Ask for something; raises what JavaScript threw, as a RuntimeError that names it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        body = b"".join(part.tobytes() for part in parts)
        head = json.dumps({"call": name, "bytes": len(body), **fields}).encode()
        self._process.stdin.write(struct.pack("<I", len(head)) + head + body)
        self._process.stdin.flush()
        stdout = self._process.stdout
        length = stdout.read(4)
        assert len(length) == 4, f"Node.js ended with {self._process.wait()}"
        answer = json.loads(stdout.read(struct.unpack("<I", length)[0]))
        data = stdout.read(answer["bytes"])
        if "error" in answer:
            raise RuntimeError("{name}: {message}".format(**answer["error"]))
        return answer, data

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._process.stdout.close()


class NodeBatchSim:
    """batch_sim.js behind the BatchSim protocol. Only the newest one of a Node works."""

    def __init__(self, node: Node, task: TaskSpec, n_envs: int, xml: str | None = None) -> None:
        self.node = node
        self.task = task
        self.n_envs = n_envs
        text = model_path(task.model).read_text() if xml is None else xml
        head, _ = node.call("make", xml=text, task=task.to_json(), nEnvs=n_envs)
        self.version: str = head["version"]
        self.nq, self.nv, self.nu, self.nbody = head["nq"], head["nv"], head["nu"], head["nbody"]
        self.nstate: int = head["nState"]
        self._state_size: int = head["stateSize"]
        self.dt: float = head["dt"]
        self.qpos0: F64 = np.array(head["qpos0"])
        self.obs: Float = np.zeros((n_envs, task.obs_size), np.float32)
        self.final_obs: Float = np.zeros_like(self.obs)
        self.signals: F64 = np.zeros((n_envs, task.signal_size))
        self.prev_signals: F64 = np.zeros_like(self.signals)
        self.terminated: Bool = np.zeros(n_envs, np.bool_)
        self.truncated: Bool = np.zeros(n_envs, np.bool_)
        self.unstable: Bool = np.zeros(n_envs, np.bool_)
        self.unstable_count = 0
        self.steps: F64 = np.zeros(n_envs)
        self.next_init: F64 = np.zeros((n_envs, task.init_size(self.nq, self.nv)))
        self.next_init[:, : self.nq] = self.qpos0
        self.next_init[:, self.nq + self.nv + task.command_size :][:, : len(task.traits)] = [
            TRAITS[name] for name in task.traits
        ]
        self.watched: tuple[int, ...] = ()
        self.poses: F32 = np.zeros((0, self.nbody, 7), np.float32)
        self.torques: F32 = np.zeros((0, self.nu), np.float32)
        self.reset()

    def _take(self, answer: tuple[dict[str, Any], bytes]) -> None:
        head, data = answer
        self.unstable_count = head["unstableCount"]
        at = 0
        for array in (
            self.obs,
            self.final_obs,
            self.signals,
            self.prev_signals,
            self.terminated,
            self.truncated,
            self.unstable,
            self.steps,
            self.poses,
            self.torques,
        ):
            array[...] = np.frombuffer(data, array.dtype, array.size, at).reshape(array.shape)
            at += array.nbytes
        assert at == len(data)

    def reset(self, rows: Rows | None = None) -> None:
        """See BatchSim.reset."""
        chosen = None if rows is None else [int(row) for row in rows]
        self._take(self.node.call("reset", self.next_init, rows=chosen))

    def step(self, actions: Float) -> None:
        """See BatchSim.step."""
        assert actions.shape == (self.n_envs, self.nu)
        self._take(self.node.call("step", self.next_init, actions.astype(np.float32)))

    def watch(self, rows: Rows) -> None:
        """See BatchSim.watch."""
        self.watched = tuple(int(row) for row in rows)
        self.poses = np.zeros((len(self.watched), self.nbody, 7), np.float32)
        self.torques = np.zeros((len(self.watched), self.nu), np.float32)
        self._take(self.node.call("watch", rows=list(self.watched)))

    def push(
        self,
        row: int,
        body: int,
        force_n: tuple[float, float, float],
        point_m: tuple[float, float, float],
        steps: int,
    ) -> None:
        """See BatchSim.push."""
        self._take(self.node.call("push", row=row, body=body, force=force_n, point=point_m, steps=steps))

    def set_commands(self, rows: Rows, commands: F64) -> None:
        """See BatchSim.set_commands."""
        self._take(self.node.call("setCommands", rows=list(rows), numbers=np.ravel(commands).tolist()))

    def kick(self, rows: Rows, velocities: F64) -> None:
        """See BatchSim.kick."""
        self._take(self.node.call("kick", rows=list(rows), numbers=np.ravel(velocities).tolist()))

    def states(self) -> F64:
        """See BatchSim.states."""
        _, data = self.node.call("states")
        return np.frombuffer(data).reshape(self.n_envs, self._state_size).copy()

    def load_states(self, states: F64) -> None:
        """See BatchSim.load_states."""
        self._take(self.node.call("loadStates", states))

    def step_each(self, states: F64, ctrl: F64) -> F64:
        """Rows of engine states, each moved by one mj_step with its row of controls."""
        head, data = self.node.call("stepEach", states, ctrl, rows=len(states))
        assert head["warnings"] == 0
        return np.frombuffer(data).reshape(states.shape)

    def grow_memory(self) -> None:
        """Make the engine's memory grow, so that JavaScript's views on it die."""
        self._take(self.node.call("growMemory"))

    def close(self) -> None:
        """See BatchSim.close; the process stays."""
