"""The native simulation: PyPI's mujoco behind the BatchSim protocol."""

from collections.abc import Sequence
from typing import Any

import mujoco
import numpy as np

from tabrl_py.errors import ModelError
from tabrl_py.sim.description import compile_model
from tabrl_py.sim.gather import Layout, read_fields
from tabrl_py.sim.inside import Inside
from tabrl_py.sim.models import model_path
from tabrl_py.sim.native_inside import inside_of
from tabrl_py.sim.traits import Traits
from tabrl_py.tasks.spec import TaskSpec
from tabrl_py.types import F32, F64, Bool, Float, MjModel, Rows

STATE = int(
    mujoco.mjtState.mjSTATE_TIME
    | mujoco.mjtState.mjSTATE_QPOS
    | mujoco.mjtState.mjSTATE_QVEL
    | mujoco.mjtState.mjSTATE_ACT
    | mujoco.mjtState.mjSTATE_WARMSTART
)
"""What decides the next step, in the engine's own order: time, qpos, qvel, act, qacc_warmstart."""


class _Push:
    """A pull on one body of one row that goes on for some control steps."""

    def __init__(self, body: int, wrench: F64, steps: int) -> None:
        self.body = body
        self.wrench = wrench
        self.steps = steps


class NativeBatchSim:
    """N environments of one task as rows of one float64 table, stepped one after the other in one MjData.

    A row of the table is the engine's state followed by what the task reads beside it; see sim/gather.py.
    Fulfils BatchSim and InspectableSim.
    """

    def __init__(
        self,
        task: TaskSpec,
        n_envs: int,
        dtype: type[np.floating[Any]] = np.float32,
        model_text: str | None = None,
    ) -> None:
        """Load the task's model; every row starts at qpos0 at rest, and obs is that of qpos0.

        Args:
            task: the task.
            n_envs: N.
            dtype: of obs and final_obs.
            model_text: the model of somebody's own robot, see sim/model_text.py; None for the task's.

        Raises:
            ModelError: the model is missing, cannot be read, or does not fit the task.
        """
        if n_envs < 1:
            raise ValueError(f"n_envs={n_envs} must be at least 1")
        self.task = task
        self.n_envs = n_envs
        self._model = _load(task) if model_text is None else compile_model(model_text, task.title)
        self._data = mujoco.MjData(self._model)
        model = self._model
        self.nq, self.nv, self.nbody, self.nu = model.nq, model.nv, model.nbody, model.nu
        self.dt = float(model.opt.timestep * task.frame_skip)
        start = model.qpos0 if task.reset.qpos is None else task.reset.qpos
        self.qpos0: F64 = np.array(start, dtype=np.float64)
        _check_fits(task, model)

        nstate = mujoco.mj_stateSize(model, STATE)
        self._layout = Layout(task, model.nq, model.nv, nstate)
        self._nstate = nstate
        self._table: F64 = np.zeros((n_envs, self._layout.width))
        self._pushes: dict[int, _Push] = {}
        self._traits = Traits(task, model)

        self.obs: Float = np.zeros((n_envs, task.obs_size), dtype=dtype)
        self.final_obs: Float = np.zeros_like(self.obs)
        self.signals: F64 = np.zeros((n_envs, task.signal_size))
        self.prev_signals: F64 = np.zeros_like(self.signals)
        self.terminated: Bool = np.zeros(n_envs, dtype=np.bool_)
        self.truncated: Bool = np.zeros(n_envs, dtype=np.bool_)
        self.unstable: Bool = np.zeros(n_envs, dtype=np.bool_)
        self.unstable_count = 0
        self.steps: F64 = np.zeros(n_envs)
        self.next_init: F64 = np.zeros((n_envs, task.init_size(model.nq, model.nv)))
        self.next_init[:, : model.nq] = self.qpos0
        traits_at = model.nq + model.nv + task.command_size
        self.next_init[:, traits_at : traits_at + self._traits.plain.size] = self._traits.plain
        self.watched: tuple[int, ...] = ()
        self.poses: F32 = np.zeros((0, model.nbody, 7), dtype=np.float32)
        self.torques: F32 = np.zeros((0, model.nu), dtype=np.float32)

        self._bind()
        self.reset()

    def _bind(self) -> None:
        """Views of MjData and of the table, made once: making one costs more than copying through it."""
        data = self._data
        spans = self._layout.spans
        sources = [getattr(data, s.source).reshape(-1)[s.start : s.stop] for s in spans]
        slots = {row: slot for slot, row in enumerate(self.watched)}
        self._rows = [
            (
                row[: self._nstate],
                [
                    (row[s.column : s.column + s.stop - s.start], source)
                    for s, source in zip(spans, sources, strict=True)
                ],
                slots.get(i, -1),
            )
            for i, row in enumerate(self._table)
        ]
        self._warnings = data.warning.number
        self._no_warnings = self._warnings.tobytes()

    def reset(self, rows: Rows | None = None) -> None:
        """See BatchSim.reset.

        Raises:
            ValueError: next_init of a row is not finite.
        """
        self._check_open()
        chosen = range(self.n_envs) if rows is None else [int(i) for i in rows]
        if not len(chosen):
            return
        self._restart(chosen)
        table = self._table[chosen]
        self.obs[chosen] = self._layout.observe(table)
        self.signals[chosen] = self._layout.read_signals(table)
        self.prev_signals[chosen] = self.signals[chosen]

    def _restart(self, rows: Sequence[int]) -> None:
        """Put rows at next_init: a cleared MjData, the new state, mj_forward."""
        model, data, layout = self._model, self._data, self._layout
        settling = self.task.reset.settle_steps > 0
        given = layout.command.stop - layout.command.start + layout.traits.stop - layout.traits.start
        for i in rows:
            first = self.next_init[i]
            if not np.isfinite(first).all():
                raise ValueError(f"next_init[{i}] is not finite: {first}")
            qpos, qvel, rest, held = np.split(first, np.cumsum([self.nq, self.nv, given]))
            self._table[i, layout.command.start : layout.kept] = 0.0
            self._table[i, layout.command.start : layout.traits.stop] = rest
            self._traits.note(i, self._table[i, layout.traits])
            mujoco.mj_resetData(model, data)
            data.qpos[:] = qpos
            data.qvel[:] = qvel
            self._traits.load(self._table[i, layout.traits])
            if settling and held[0] > 0:
                data.ctrl[:] = held[1:]
                mujoco.mj_step(model, data, int(held[0]))
                data.time = 0.0
            mujoco.mj_forward(model, data)
            state, copies, slot = self._rows[i]
            mujoco.mj_getState(model, data, state, STATE)
            for target, source in copies:
                target[...] = source
            if slot >= 0:
                self._capture(slot)
            self._pushes.pop(i, None)
            self.steps[i] = 0.0
        if settling:
            mujoco.mj_resetData(model, data)  # warnings of robots that settle are not those of the next step

    def step(self, actions: Float) -> None:
        """See BatchSim.step."""
        self._check_open()
        ctrl = np.ascontiguousarray(actions, dtype=np.float64)
        if ctrl.shape != (self.n_envs, self.nu):
            raise ValueError(f"actions have the shape {ctrl.shape}; expected {(self.n_envs, self.nu)}")
        table, layout = self._table, self._layout
        self.prev_signals[...] = layout.read_signals(table)
        warned = self._advance(ctrl)

        unstable: Bool = np.any(~np.isfinite(table), axis=1)
        unstable[warned] = True
        signals, obs = layout.read_signals(table), layout.observe(table)
        if unstable.any():
            signals[unstable] = self.prev_signals[unstable]
            obs[unstable] = self.obs[unstable]
            self.unstable_count += int(unstable.sum())
        self.unstable[...] = unstable
        self.signals[...] = signals
        self.obs[...] = obs
        self.steps += 1.0
        np.logical_or(unstable, ~layout.healthy(table), out=self.terminated)
        np.logical_and(self.steps >= self.task.time_limit, ~self.terminated, out=self.truncated)
        finished = np.flatnonzero(self.terminated | self.truncated)
        if finished.size:
            self.final_obs[finished] = self.obs[finished]
            self._restart(finished.tolist())
            self.obs[finished] = layout.observe(table[finished])

    def _advance(self, ctrl: F64) -> list[int]:
        """Move every row by frame_skip physics steps; the rows in which the engine warned."""
        model, data = self._model, self._data
        set_state, get_state = mujoco.mj_setState, mujoco.mj_getState
        finish = mujoco.mj_rnePostConstraint if self.task.post_constraint else None
        vary = self._traits.load if self._traits.needed else None
        traits = self._layout.traits
        warnings, quiet = self._warnings, self._no_warnings
        warned: list[int] = []
        # The engine would print each warning and write it into a file; here each is counted.
        handler = mujoco.get_mju_user_warning()
        mujoco.set_mju_user_warning(_count_instead)
        try:
            for i, ((state, copies, slot), action) in enumerate(zip(self._rows, ctrl, strict=True)):
                set_state(model, data, state, STATE)
                if vary is not None:
                    vary(self._table[i, traits])
                push = self._pushes.get(i) if self._pushes else None
                if push is not None:
                    data.xfrc_applied[push.body] = push.wrench
                self._drive(i, action)
                if finish is not None:
                    finish(model, data)
                get_state(model, data, state, STATE)
                for target, source in copies:
                    target[...] = source
                if slot >= 0:
                    self._capture(slot)
                if push is not None:
                    self._count_down(i, push)
                if warnings.tobytes() != quiet:
                    warned.append(i)
                    mujoco.mj_resetData(model, data)
        finally:
            mujoco.set_mju_user_warning(handler)
        return warned

    def _drive(self, row: int, action: F64) -> None:
        """Make a row's physics steps, the first of them with its last action where actions come late."""
        data, frame_skip = self._data, self.task.frame_skip
        lag = self._traits.lags.get(row, 0)
        if lag:
            last = self._table[row, self._layout.last_action]
            data.ctrl[:] = last
            mujoco.mj_step(self._model, data, lag)
            last[:] = action
        data.ctrl[:] = action
        if lag < frame_skip:
            mujoco.mj_step(self._model, data, frame_skip - lag)

    def _capture(self, slot: int) -> None:
        self.poses[slot, :, :3] = self._data.xpos
        self.poses[slot, :, 3:] = self._data.xquat
        self.torques[slot] = self._data.actuator_force

    def watch(self, rows: Rows) -> None:
        """See BatchSim.watch."""
        watched = tuple(int(i) for i in rows)
        for i in watched:
            self._check_row(i)
        self.watched = watched
        self.poses = np.zeros((len(watched), self.nbody, 7), dtype=np.float32)
        self.torques = np.zeros((len(watched), self.nu), dtype=np.float32)
        self._bind()
        for slot, i in enumerate(watched):
            mujoco.mj_setState(self._model, self._data, self._rows[i][0], STATE)
            mujoco.mj_forward(self._model, self._data)
            self._capture(slot)

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
        self._check_row(row)
        if not 1 <= body < self.nbody:
            raise ValueError(f"body={body} cannot be pushed; the model's bodies are 1 to {self.nbody - 1}")
        force, point = np.array(force_n, dtype=np.float64), np.array(point_m, dtype=np.float64)
        if not (np.isfinite(force).all() and np.isfinite(point).all()):
            raise ValueError(f"force_n={force_n}, point_m={point_m} must be finite")
        if steps < 1:
            raise ValueError(f"steps={steps} must be at least 1")
        mujoco.mj_setState(self._model, self._data, self._rows[row][0], STATE)
        mujoco.mj_kinematics(self._model, self._data)
        torque = np.cross(point - self._data.xipos[body], force)
        self._pushes[row] = _Push(body, np.concatenate([force, torque]), steps)

    def set_commands(self, rows: Rows, commands: F64) -> None:
        """See BatchSim.set_commands."""
        if not self.task.command_size:
            raise ValueError(f"task {self.task.id} takes no command")
        chosen = [int(i) for i in rows]
        self._table[chosen, self._layout.command] = commands
        self.obs[chosen] = self._layout.observe(self._table[chosen])

    def kick(self, rows: Rows, velocities: F64) -> None:
        """See BatchSim.kick."""
        if self.nq != self.nv + 1:
            raise ValueError(f"task {self.task.id} has no robot that moves freely; it cannot be kicked")
        self._table[[int(i) for i in rows], 1 + self.nq : 3 + self.nq] += velocities

    def _count_down(self, row: int, push: _Push) -> None:
        self._data.xfrc_applied[push.body] = 0.0
        push.steps -= 1
        if push.steps == 0:
            del self._pushes[row]

    def inside(self, row: int, action: F32) -> Inside:
        """See InspectableSim.inside."""
        self._check_row(row)
        mujoco.mj_setState(self._model, self._data, self._rows[row][0], STATE)
        self._traits.load(self._table[row, self._layout.traits])
        self._data.ctrl[:] = action
        mujoco.mj_forward(self._model, self._data)
        found = inside_of(self._model, self._data)
        # The engine may have warned of this state; that is no step's warning.
        mujoco.mj_resetData(self._model, self._data)
        return found

    def states(self) -> F64:
        """See BatchSim.states. A row: elapsed steps, its state, the signals; no pushes."""
        signals = self._layout.read_signals(self._table)
        return np.concatenate([self.steps[:, None], self._table[:, : self._layout.kept], signals], axis=1)

    def load_states(self, states: F64) -> None:
        """See BatchSim.load_states. Pushes end.

        Raises:
            ValueError: the states are those of another task or number of rows.
        """
        kept = self._layout.kept
        expected = (self.n_envs, 1 + kept + self.task.signal_size)
        if states.shape != expected:
            raise ValueError(
                f"states have the shape {states.shape}; "
                f"{self.task.id} with {self.n_envs} rows needs {expected}"
            )
        self.steps[...] = states[:, 0]
        self._table[:, :kept] = states[:, 1 : 1 + kept]
        self._table[:, self._layout.signals] = states[:, 1 + kept :]
        self._pushes.clear()
        for row in range(self.n_envs):
            self._traits.note(row, self._table[row, self._layout.traits])

    def close(self) -> None:
        """See BatchSim.close. Stepping and resetting afterwards raise RuntimeError."""
        self._rows = []
        self._model = self._data = self._warnings = None

    def _check_open(self) -> None:
        if self._model is None:
            raise RuntimeError("this simulation was closed; make a new one")

    def _check_row(self, row: int) -> None:
        if not 0 <= row < self.n_envs:
            raise ValueError(f"row={row} does not exist; the rows are 0 to {self.n_envs - 1}")


def _count_instead(message: str) -> None:
    """Take the engine's warning; NativeBatchSim reads it from MjData.warning."""


def _load(task: TaskSpec) -> MjModel:
    path = model_path(task.model)
    try:
        return mujoco.MjModel.from_xml_path(str(path))
    except ValueError as error:
        raise ModelError(
            f"{path} cannot be read: {error}; build the models anew with `./build.sh dist`"
        ) from error


def _check_fits(task: TaskSpec, model: MjModel) -> None:
    """Raise ModelError where the model has not what the task reads or drives."""
    data = mujoco.MjData(model)
    if model.nu != task.action_size:
        raise ModelError(
            f"model {task.model} has {model.nu} actuators; task {task.id} drives {task.action_size}"
        )
    if task.reset.qpos is not None and model.nq != len(task.reset.qpos):
        raise ModelError(
            f"model {task.model} has nq={model.nq}; task {task.id} starts from {len(task.reset.qpos)} numbers"
        )
    for f in read_fields(task):
        size = task.command_size if f.source == "command" else getattr(data, f.source).size
        if not 0 <= f.start < f.stop <= size:
            raise ModelError(
                f"task {task.id} reads {f.source}[{f.start}:{f.stop}], "
                f"but model {task.model} has {size} numbers there"
            )
