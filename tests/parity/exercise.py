"""One course through all that BatchSim promises, for any simulation; imports nothing that Pyodide lacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tabrl_py.sim.batch import BatchSim
from tabrl_py.tasks import sample_reset
from tabrl_py.types import Float


def snapshot(sim: BatchSim) -> dict[str, Any]:
    """Every array of a simulation, as hexadecimal bytes, and its counters."""
    flags = ["terminated", "truncated", "unstable", "steps"]
    names = ["obs", "final_obs", "signals", "prev_signals", *flags, "poses", "torques", "qpos0"]
    record: dict[str, Any] = {
        name: np.ascontiguousarray(getattr(sim, name)).tobytes().hex() for name in names
    }
    record["states"] = sim.states().tobytes().hex()
    record["sizes"] = [sim.n_envs, sim.nq, sim.nv, sim.nbody, sim.nu, sim.dt, sim.unstable_count]
    record["watched"] = list(sim.watched)
    return record


def exercise(sim: BatchSim, disturb: Callable[[], None]) -> list[dict[str, Any]]:
    """Steps, resets, watching, pushes, saved states and a broken row; `disturb` is called in between."""
    task, rng = sim.task, np.random.default_rng(5)
    seen: list[dict[str, Any]] = []

    def refill() -> None:
        for row in range(sim.n_envs):
            sim.next_init[row] = sample_reset(task, sim.qpos0, sim.nv, rng, randomize=True)

    def step() -> None:
        refill()
        low, high = np.array(task.action_low), np.array(task.action_high)
        actions: Float = rng.uniform(low, high, (sim.n_envs, low.size)).astype(np.float32)
        sim.step(actions)
        seen.append(snapshot(sim))

    refill()
    sim.reset()
    for _ in range(3):
        step()
    sim.watch([1, 0])
    seen.append(snapshot(sim))
    step()
    disturb()
    step()
    saved = sim.states()
    if task.command is not None:
        sim.set_commands([1, 0], np.array([task.command.low, task.command.high]))
        seen.append(snapshot(sim))
    if sim.nq == sim.nv + 1:
        sim.kick([1], np.array([[0.25, -0.5]]))
    sim.push(0, 1, (50.0, 10.0, 0.0), (0.1, 0.0, 1.0), 2)
    for _ in range(3):
        step()
    refill()
    sim.reset([1])
    seen.append(snapshot(sim))
    sim.load_states(saved)
    disturb()
    step()
    broken = sim.states()
    broken[1, 1 + sim.nq + sim.nv] = np.nan  # the last velocity
    sim.load_states(broken)
    step()
    sim.watch([])
    for _ in range(30):
        step()
    return seen
