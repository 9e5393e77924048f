"""PPO in the tab beside Stable-Baselines3 and SBX, natively: `./build.sh bench sb3`.

Humanoid-v5, networks of 64 and 64 tanh units, 2 048 steps per update over all environments, minibatches of
256, 10 epochs, learning rate 3e-4, clip range 0.2: the same on all sides; nothing is normalised but
advantages. The tab is the built page with two workers in headless Chromium, drawing what it learns. All sides
live side by side, and take turns: each learns for two updates or more while the others wait.

- `tab_over_sb3`: control steps per second of the tab over the best configuration of Stable-Baselines3.
- `tab_over_sbx`: the same over the best of SBX (JAX).

Then each side's best configuration learns anew with some seeds, and the mean returns of the last 100 training
episodes after the same number of steps are compared. EnvPool's bare stepping is the native limit.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from benchmarks import _results, _runs
from benchmarks._browser import chromium, name_of
from benchmarks._page_run import PageRun, training_page
from benchmarks._turns import in_turns, spread
from wasm.build import dist

HERE = Path(__file__).parent
LOCK = HERE / "requirements-sb3.lock"
TORCH = "torch==2.13.0"
TASK = "Humanoid-v5"
ROLLOUT = 2048
TAB = "tab, 2 workers"
ENVPOOL = "EnvPool, stepping alone, 2 threads"
SB3 = {
    "SB3, 1 in process": ["sb3", "--envs", "1"],
    "SB3, 4 in process": ["sb3", "--envs", "4"],
    "SB3, 8 in process": ["sb3", "--envs", "8"],
    "SB3, 8 in process, 1 thread": ["sb3", "--envs", "8"],
    "SB3, 4 processes": ["sb3", "--envs", "4", "--processes"],
}
SBX = {
    "SBX, 1 in process": ["sbx", "--envs", "1"],
    "SBX, 4 in process": ["sbx", "--envs", "4"],
    "SBX, 8 in process": ["sbx", "--envs", "8"],
}
NATIVE = {**SB3, **SBX, ENVPOOL: ["envpool", "--envs", "32"]}
SLICE = 2 * ROLLOUT
WARM_UP = 2


def settings(n_envs: int, seed: int, steps: int) -> dict[str, object]:
    """The tab's settings: the hyperparameters of runs/reference_ppo.py in TabRL's words."""
    return {
        "seed": seed,
        "total_steps": steps,
        "n_envs": n_envs,
        "network.hidden": "64, 64",
        "network.activation": "tanh",
        "network.init_log_std": 0.0,
        "network.normalize_obs": False,
        "algo.n_steps": ROLLOUT // n_envs,
        "algo.minibatch_size": 256,
        "algo.n_epochs": 10,
        "algo.learning_rate": 3e-4,
        "algo.lr_schedule": "constant",
        "algo.gamma": 0.99,
        "algo.gae_lambda": 0.95,
        "algo.clip_range": 0.2,
        "algo.entropy_coef": 0.0,
        "algo.value_coef": 0.5,
        "algo.max_grad_norm": 0.5,
        "algo.target_kl": 0.0,
        "algo.normalize_advantage": True,
        "algo.scale_reward": False,
    }


def native_python() -> Path:
    """Python of the environment with the other libraries, made or renewed when its lock file changed."""
    home = _runs.CACHE / "sb3-venv"
    python, stamp = home / "bin" / "python", home / "requirements.lock"
    if not stamp.exists() or stamp.read_bytes() != LOCK.read_bytes():
        print(
            "Installing Stable-Baselines3, SBX and EnvPool for the comparison ...",
            file=sys.stderr,
            flush=True,
        )
        venv.create(home, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, "--require-hashes", "--no-deps", "-r", str(LOCK)], check=True)
        subprocess.run([*install, TORCH], check=True)
        stamp.write_bytes(LOCK.read_bytes())
    return python


class Side:
    """One native library in a process of its own, which works only when asked."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.versions: dict[str, str] = self._answer()["versions"]
        self.return_mean: float | None = None

    def go(self, steps: int) -> float:
        """Make so many steps; control steps per second."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{steps}\n")
        self._process.stdin.flush()
        done = self._answer()
        self.return_mean = done["return_mean"]
        return float(done["steps"] / done["seconds"])

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")


@contextmanager
def native(name: str, seed: int = 1) -> Iterator[Side]:
    """A configuration of NATIVE, running."""
    threads = {"OMP_NUM_THREADS": "1"} if name.endswith("1 thread") else {}
    # build.sh limits NumPy's threads for TabRL; the others run with their own defaults.
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")} | threads
    command = [str(native_python()), "-m", "benchmarks.runs.reference_ppo", *NATIVE[name]]
    with subprocess.Popen(
        [*command, "--task", TASK, "--seed", str(seed)],
        cwd=_runs.ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Side(process)
        finally:
            process.terminate()


def measure_speeds(
    browser: Browser, page: Path, n_envs: int, rounds: int, updates: int
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Control steps per second of all sides in each round, and the versions of the native ones."""
    with ExitStack() as stack:
        tab = PageRun(stack.enter_context(training_page(browser, page)), TASK, settings(n_envs, 1, 10**9), 2)
        tab.wait_complete()
        tab.pause()
        others = {name: stack.enter_context(native(name)) for name in NATIVE}
        sides = {name: partial(side.go, SLICE) for name, side in others.items()}
        speeds = in_turns({TAB: partial(tab.slice, updates), **sides}, rounds, WARM_UP)
        return speeds, others[ENVPOOL].versions


def learned(browser: Browser, page: Path, name: str, n_envs: int, seed: int, steps: int) -> float:
    """Mean return of the last 100 training episodes after so many steps."""
    if name != TAB:
        with native(name, seed) as side:
            side.go(steps)
            assert side.return_mean is not None
            return side.return_mean
    with training_page(browser, page) as opened:
        records = PageRun(opened, TASK, settings(n_envs, seed, steps), 2).finish()
    return float(records[-1]["return_mean"])


def speed_table(speeds: dict[str, list[float]]) -> str:
    """A row for each side: its speed, and the tab's over it."""
    lines = ["| side | control steps/s | middle half | tab over it |", "|---|---|---|---|"]
    for name, values in speeds.items():
        ratio = "" if name == TAB else f"{over(speeds, name):.2f}"
        lines.append(f"| {name} | {statistics.median(values):,.0f} | {spread(values)} | {ratio} |")
    return "\n".join(lines) + "\n"


def over(speeds: dict[str, list[float]], name: str) -> float:
    """The tab's speed over another side's: the median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(speeds[TAB], speeds[name], strict=True))


def return_table(returns: dict[str, list[float]], steps: int) -> str:
    """A row for each side: what its seeds came to."""
    if not any(returns.values()):
        return ""
    heads = f"| side | mean return of the last 100 episodes after {steps:,} steps | seeds |"
    lines = ["", heads, "|---|---|---|"]
    for name, values in returns.items():
        each = ", ".join(f"{value:.0f}" for value in values)
        lines.append(f"| {name} | {statistics.mean(values):.1f} | {each} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print tables and a line of JSON, keep them."""
    parser = argparse.ArgumentParser(prog="./build.sh bench sb3", description="PPO beside SB3 and SBX.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--updates", type=int, default=4, help="of the tab in each round")
    parser.add_argument("--tab-envs", type=int, default=32, help="environments of the tab")
    parser.add_argument("--seeds", type=int, default=3, help="of the comparison of returns; 0: none")
    parser.add_argument("--steps", type=int, default=100 * ROLLOUT, help="of the comparison of returns")
    options = parser.parse_args()
    page, n_envs = dist.build(), options.tab_envs
    native_python()
    with chromium() as browser:
        tab = name_of(browser)
        speeds, versions = measure_speeds(browser, page, n_envs, options.rounds, options.updates)
        print(speed_table(speeds), flush=True)
        best = [max(names, key=lambda name: statistics.median(speeds[name])) for names in (SB3, SBX)]
        seeds = range(1, options.seeds + 1)
        returns = {
            name: [learned(browser, page, name, n_envs, seed, options.steps) for seed in seeds]
            for name in (TAB, *best)
        }
    table = speed_table(speeds) + return_table(returns, options.steps)
    print(table)
    figures = {
        key: float(f"{over(speeds, name):.4g}")
        for key, name in zip(("tab_over_sb3", "tab_over_sbx"), best, strict=True)
    }
    record = {"figures": figures, "best": best, "browser": tab, "versions": versions, "tab_envs": n_envs}
    _results.write(
        "sb3", "./build.sh bench sb3", table, {**record, "steps_per_s": speeds, "returns": returns}
    )
    print(json.dumps({"bench": "sb3", "figures": figures}))


if __name__ == "__main__":
    main()
