"""The simulation in the browser: MuJoCo's WebAssembly module, driven by web/workers/batch_sim.js."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from tabrl_py.errors import ModelError
from tabrl_py.sim.inside import Inside
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F32, F64, Bool, Float, JsObject, Rows


class WasmBatchSim:
    """N environments of one task, stepped in JavaScript on the memory of the arrays below: one call per step.

    Fulfils StridingSim and InspectableSim. Imports what exists only in Pyodide, so it can be made there
    alone.
    """

    def __init__(self, task: TaskSpec, xml: str, n_envs: int, engine: JsObject) -> None:
        """Load the model; every row starts at qpos0 at rest.

        Args:
            task: the task.
            xml: its model.
            n_envs: N.
            engine: the worker's `createSim(xml, task, n_envs)`, see web/workers/python_sim.js.

        Raises:
            ModelError: the model cannot be read or does not fit the task.
            MemoryError: so many environments do not fit into the browser's memory.
        """
        from pyodide.ffi import JsException

        if n_envs < 1:
            raise ValueError(f"n_envs={n_envs} must be at least 1")
        try:
            self._sim = engine.createSim(xml, json.dumps(task.to_json()), n_envs)
        except JsException as error:
            if error.name == "ModelError":
                raise ModelError(error.message) from error
            if error.name == "RangeError":
                raise MemoryError(
                    f"{n_envs} environments of {task.id} do not fit: {error.message}"
                ) from error
            raise
        sim = self._sim
        self.task = task
        self.n_envs = n_envs
        self.nq, self.nv, self.nbody, self.nu = int(sim.nq), int(sim.nv), int(sim.nbody), int(sim.nu)
        self.dt = float(sim.dt)
        self.can_stride = bool(sim.canStride)
        self.policy_s = 0.0
        self.qpos0: F64 = np.zeros(self.nq)
        sim.readStart(self.qpos0)

        self.obs: Float = np.zeros((n_envs, task.obs_size), dtype=np.float32)
        self.final_obs: Float = np.zeros_like(self.obs)
        self.signals: F64 = np.zeros((n_envs, task.signal_size))
        self.prev_signals: F64 = np.zeros_like(self.signals)
        self.terminated: Bool = np.zeros(n_envs, dtype=np.bool_)
        self.truncated: Bool = np.zeros(n_envs, dtype=np.bool_)
        self.unstable: Bool = np.zeros(n_envs, dtype=np.bool_)
        self.unstable_count = 0
        self.steps: F64 = np.zeros(n_envs)
        self.next_init: F64 = np.zeros((n_envs, int(sim.initSize)))
        self.watched: tuple[int, ...] = ()
        self.poses: F32 = np.zeros((0, self.nbody, 7), dtype=np.float32)
        self.torques: F32 = np.zeros((0, self.nu), dtype=np.float32)
        self._actions: F32 = np.zeros((n_envs, self.nu), dtype=np.float32)
        self._lend()

    def _lend(self) -> None:
        for name, array in {
            "actions": self._actions,
            "obs": self.obs,
            "finalObs": self.final_obs,
            "signals": self.signals,
            "prevSignals": self.prev_signals,
            "terminated": self.terminated,
            "truncated": self.truncated,
            "unstable": self.unstable,
            "steps": self.steps,
            "nextInit": self.next_init,
            "poses": self.poses,
            "torques": self.torques,
        }.items():
            self._sim.hold(name, array)
        self._sim.lend()

    def reset(self, rows: Rows | None = None) -> None:
        """See BatchSim.reset.

        Raises:
            ValueError: next_init of a row is not finite.
        """
        chosen = np.arange(self.n_envs) if rows is None else np.asarray(rows, dtype=np.int64)
        finite = np.isfinite(self.next_init[chosen]).all(axis=1)
        if not finite.all():
            row = int(chosen[np.argmin(finite)])
            raise ValueError(f"next_init[{row}] is not finite: {self.next_init[row]}")
        self._sim.reset(_js(chosen.tolist()))

    def step(self, actions: Float) -> None:
        """See BatchSim.step."""
        if actions.shape != self._actions.shape:
            raise ValueError(f"actions have the shape {actions.shape}; expected {self._actions.shape}")
        self._actions[...] = actions
        self.unstable_count = self._sim.step()

    def plan(self, places: Mapping[str, int]) -> None:
        """See StridingSim.plan."""
        self._sim.plan(json.dumps(dict(places)))

    def stride(self, t: int, slot: int, most: int) -> int:
        """See StridingSim.stride."""
        made = int(self._sim.stride(t, slot, most))
        self.unstable_count = self._sim.unstableCount
        self.policy_s = float(self._sim.policyS)
        return made

    def owed(self) -> list[int]:
        """See StridingSim.owed."""
        return [int(row) for row in self._sim.owed]

    def watch(self, rows: Rows) -> None:
        """See BatchSim.watch."""
        watched = tuple(int(i) for i in rows)
        for i in watched:
            self._check_row(i)
        self.watched = watched
        self.poses = np.zeros((len(watched), self.nbody, 7), dtype=np.float32)
        self.torques = np.zeros((len(watched), self.nu), dtype=np.float32)
        self._sim.hold("poses", self.poses)
        self._sim.hold("torques", self.torques)
        self._sim.watch(_js(list(watched)))

    def push(
        self,
        row: int,
        body: int,
        force_n: tuple[float, float, float],
        point_m: tuple[float, float, float],
        steps: int,
    ) -> None:
        """See BatchSim.push. A new push replaces the row's former one; the row's next reset ends it.

        Raises:
            ValueError: no such row or body, a force or point that is not finite, or no steps.
        """
        from pyodide.ffi import JsException

        try:
            self._sim.push(row, body, _js(list(force_n)), _js(list(point_m)), steps)
        except JsException as error:
            if error.name != "RangeError":
                raise
            raise ValueError(error.message) from error

    def set_commands(self, rows: Rows, commands: F64) -> None:
        """See BatchSim.set_commands.

        Raises:
            ValueError: the task takes no command, or a row does not exist.
        """
        self._call("setCommands", rows, commands)

    def kick(self, rows: Rows, velocities: F64) -> None:
        """See BatchSim.kick.

        Raises:
            ValueError: the robot does not move freely, or a row does not exist.
        """
        self._call("kick", rows, velocities)

    def _call(self, name: str, rows: Rows, values: F64) -> None:
        """Call a method of the JavaScript simulation with rows and an array of numbers for each."""
        from pyodide.ffi import JsException

        chosen = [int(i) for i in rows]
        each = np.broadcast_to(values, (len(chosen), values.shape[-1]))
        try:
            getattr(self._sim, name)(_js(chosen), _js(each.ravel().tolist()))
        except JsException as error:
            if error.name != "RangeError":
                raise
            raise ValueError(error.message) from error

    def states(self) -> F64:
        """See BatchSim.states. A row: elapsed steps, its state, the signals; no pushes."""
        states: F64 = np.zeros((self.n_envs, int(self._sim.stateSize)))
        self._sim.readStates(states)
        return states

    def load_states(self, states: F64) -> None:
        """See BatchSim.load_states. Pushes end.

        Raises:
            ValueError: the states are those of another task or number of rows.
        """
        expected = (self.n_envs, int(self._sim.stateSize))
        if states.shape != expected:
            raise ValueError(
                f"states have the shape {states.shape}; "
                f"{self.task.id} with {self.n_envs} rows needs {expected}"
            )
        self._sim.loadStates(np.ascontiguousarray(states, dtype=np.float64))

    def inside(self, row: int, action: F32) -> Inside:
        """See InspectableSim.inside."""
        self._check_row(row)
        self._actions[row] = action
        return Inside(**json.loads(self._sim.inside(row)))

    def close(self) -> None:
        """See BatchSim.close. The simulation cannot be used afterwards."""
        self._sim.close()

    def _check_row(self, row: int) -> None:
        if not 0 <= row < self.n_envs:
            raise ValueError(f"row={row} does not exist; the rows are 0 to {self.n_envs - 1}")


def _js(values: list[Any]) -> JsObject:
    from pyodide.ffi import to_js

    return to_js(values)
