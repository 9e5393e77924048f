"""mj_step in the tab beside mj_step of PyPI's mujoco: `./build.sh bench physics`.

For each model of the tasks the same pseudo-random controls, each held for five steps, from the same first
state, which comes back every 500 steps; in a worker of headless Chromium by the official bindings, and in
CPython by the wheel of the same version. The two take turns, and the medians are compared.
`wasm_over_native` is that of the house humanoid.

`--beside FILE.wasm` also measures another build of the module, and says whether its states after 20 000 steps
are the official one's, byte for byte.
"""

from __future__ import annotations

import argparse
import base64
import json
import math
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from benchmarks import _results
from benchmarks._browser import chromium, name_of
from benchmarks._turns import in_turns
from benchmarks._worker import Workers, workers_in
from tabrl_py.tasks import TASKS, get_task
from tabrl_py.types import F64
from wasm.build import dist

HOUSE = get_task("humanoid-walk").model
HOLD = 5
"""Physics steps that a control is held for, as the house tasks do."""
EPISODE = 500
CONTROLS = 1000
SLICE_S = 0.25
"""About what one measurement takes natively."""
WARM_UP_STEPS = 5000
WARM_UP = 3
"""Turns that are not counted: the browser compiles what is hot anew."""
PARITY_STEPS = 20_000
WORKER = Path(__file__).with_name("_physics_worker.js")


class Native:
    """One model in CPython."""

    def __init__(self, xml: str) -> None:
        self.model = mujoco.MjModel.from_xml_string(xml)
        self.data = mujoco.MjData(self.model)
        low, high = np.where(
            self.model.actuator_ctrllimited, self.model.actuator_ctrlrange.T, [[-1.0], [1.0]]
        )
        rng = np.random.default_rng(1)
        self.controls: F64 = rng.uniform(low, high, (CONTROLS, self.model.nu))

    def run(self, steps: int) -> float:
        """Seconds that so many steps take from the first state on."""
        model, data, controls = self.model, self.data, self.controls
        began = time.perf_counter()
        mujoco.mj_resetData(model, data)
        for step in range(0, steps, HOLD):
            if step % EPISODE == 0:
                mujoco.mj_resetData(model, data)
            data.ctrl[:] = controls[step // HOLD % CONTROLS]
            mujoco.mj_step(model, data, nstep=HOLD)
        return time.perf_counter() - began


def run_in_tab(workers: Workers, worker: int, name: str, native: Native, steps: int) -> dict[str, Any]:
    """The same steps in a worker: seconds, and the bytes of the last state."""
    controls = base64.b64encode(native.controls.tobytes()).decode()
    order = {"model": name, "steps": steps, "hold": HOLD, "episode": EPISODE, "controls": controls}
    done: dict[str, Any] = workers.ask("run", worker=worker, **order)
    return done


def measure(workers: Workers, modules: int, name: str, native: Native, rounds: int) -> list[float]:
    """Steps per second, medians: native, then with each module; they take turns."""
    native.run(WARM_UP_STEPS)
    steps = math.ceil(SLICE_S * WARM_UP_STEPS / native.run(WARM_UP_STEPS) / HOLD) * HOLD
    sides: dict[str, Callable[[], float]] = {"native": lambda: native.run(steps)}

    def in_tab(worker: int) -> float:
        return float(run_in_tab(workers, worker, name, native, steps)["seconds"])

    for k in range(modules):
        sides[f"module {k}"] = partial(in_tab, k)
    return [steps / statistics.median(each) for each in in_turns(sides, rounds, WARM_UP).values()]


def table_of(speeds: dict[str, list[float]], other: str | None, same: dict[str, bool]) -> str:
    """A row for each model."""
    heads = ["model", "native steps/s", "tab steps/s", "tab / native"]
    if other is not None:
        heads += [f"{other} steps/s", f"{other} / tab", "same bytes"]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for name, (native, tab, *others) in speeds.items():
        cells = [name, f"{native:,.0f}", f"{tab:,.0f}", f"{tab / native:.3f}"]
        cells += [cell for each in others for cell in (f"{each:,.0f}", f"{each / tab:.3f}")]
        cells += ["yes" if same[name] else "no"] * len(others)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print a table and a line of JSON, keep both."""
    parser = argparse.ArgumentParser(prog="./build.sh bench physics", description="mj_step, tab over native.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--model", action="append", help="only this one; may be given several times")
    parser.add_argument("--beside", type=Path, help="another build of mujoco.wasm, to compare")
    options = parser.parse_args()
    page = dist.build()
    every = sorted({task.model for task in TASKS.values()} - {HOUSE})
    xml = {
        name: (page / "models" / f"{name}.xml").read_text(encoding="utf-8")
        for name in options.model or [HOUSE, *every]
    }
    modules = [None, options.beside] if options.beside else [None]
    speeds: dict[str, list[float]] = {}
    same: dict[str, bool] = {}
    source = WORKER.read_text(encoding="utf-8")
    with chromium() as browser, workers_in(browser, page, source, len(modules)) as workers:
        tab = name_of(browser)
        for k, module in enumerate(modules):
            data = None if module is None else base64.b64encode(module.read_bytes()).decode()
            loaded = workers.ask("load", worker=k, module=data, xml=xml)
            assert loaded["version"] == mujoco.mj_versionString()
        for name, text in xml.items():
            native = Native(text)
            speeds[name] = measure(workers, len(modules), name, native, options.rounds)
            each = range(len(modules))
            last = [run_in_tab(workers, k, name, native, PARITY_STEPS)["state"] for k in each]
            same[name] = all(state == last[0] for state in last)
            print(f"{name}: {speeds[name][1] / speeds[name][0]:.3f}", flush=True)
    other = options.beside.stem if options.beside else None
    table = table_of(speeds, other, same)
    print(table)
    ratios = {name: float(f"{wasm / native:.4g}") for name, (native, wasm, *_) in speeds.items()}
    figures = {f"wasm_over_native_{name}": ratio for name, ratio in ratios.items()}
    if HOUSE in ratios:
        figures = {"wasm_over_native": ratios[HOUSE], **figures}
    if other is None and not options.model:
        record = {"figures": figures, "browser": tab, "mujoco": mujoco.mj_versionString()}
        steps = {name: [round(each) for each in both] for name, both in speeds.items()}
        _results.write("physics", "./build.sh bench physics", table, {**record, "steps_per_s": steps})
    print(json.dumps({"bench": "physics", "figures": figures}))


if __name__ == "__main__":
    main()
