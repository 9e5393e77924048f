"""PPO beside Stable-Baselines3's: same tasks, same hyperparameters (its defaults), same steps and seeds.

`./build.sh bench learning` trains every seed of both sides, one process after the other, and keeps each
finished run, so that an interrupted benchmark goes on. Stable-Baselines3 has its own virtual environment.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _results

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "benchmarks"
REQUIREMENTS = ROOT / "benchmarks" / "requirements.txt"
LEARNING_SOURCES = ("nn", "algos", "rng.py")
SIDES = ("tabrl", "stable-baselines3")
TASKS = ("HalfCheetah-v5", "Hopper-v5")
MEASURES = {
    "evaluation_mean": "deterministic policy, 20 episodes",
    "last_100_training_mean": "last 100 training episodes",
}
T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
"""97.5 % points of Student's t distribution with n - 1 degrees of freedom, by n."""


def main() -> None:
    """Measure what is not measured yet; print the table and, last, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, choices=range(2, 11), metavar="2..10")
    parser.add_argument("--steps", type=int, default=300_000)
    args = parser.parse_args()
    runs = {
        (side, task): [_run(side, task, seed, args.steps) for seed in range(1, args.seeds + 1)]
        for task in TASKS
        for side in SIDES
    }
    table, comparisons = _compare(runs)
    record = {
        "steps": args.steps,
        "seeds": args.seeds,
        "comparisons": comparisons,
        "versions": {side: runs[side, TASKS[0]][0]["versions"] for side in SIDES},
        "runs": {f"{side} {task}": found for (side, task), found in runs.items()},
    }
    _results.write("learning", "./build.sh bench learning", table, record)
    print(table)
    print(json.dumps({"benchmark": "learning", "comparisons": comparisons}))


def _run(side: str, task: str, seed: int, steps: int) -> dict[str, Any]:
    """One run's record, from the cache where the same was measured before."""
    key = _sources() if side == "tabrl" else hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    place = CACHE / "learning" / f"{side}-{task}-{seed}-{steps}-{key[:12]}.json"
    if not place.exists():
        print(f"{side} {task} seed {seed}: training {steps} steps ...", file=sys.stderr, flush=True)
        python = sys.executable if side == "tabrl" else str(_reference_python())
        module = "tabrl_ppo" if side == "tabrl" else "stable_baselines3_ppo"
        command = [python, "-m", f"benchmarks.runs.{module}", "--task", task, "--seed", str(seed)]
        # One thread each: these matrices are too small for more, and the two sides are then alike.
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        answer = subprocess.run(
            [*command, "--steps", str(steps)],
            cwd=ROOT,
            env={**os.environ, **threads},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_suffix(".part")
        beside.write_text(answer.stdout.splitlines()[-1])
        beside.replace(place)
    record: dict[str, Any] = json.loads(place.read_text())
    return record


def _sources() -> str:
    """A hash of the code that learns: runs of other code are measured again."""
    digest = hashlib.sha256()
    for name in LEARNING_SOURCES:
        path = ROOT / "tabrl_py" / name
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        for file in files:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _reference_python() -> Path:
    """Python of the environment with Stable-Baselines3, made or renewed when its requirements changed."""
    home = CACHE / "venv"
    python, stamp = home / "bin" / "python", home / "requirements.txt"
    if not stamp.exists() or stamp.read_bytes() != REQUIREMENTS.read_bytes():
        print("Installing Stable-Baselines3 and PyTorch for the comparison ...", file=sys.stderr, flush=True)
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS], check=True)
        stamp.write_bytes(REQUIREMENTS.read_bytes())
    return python


def _compare(runs: dict[tuple[str, str], list[dict[str, Any]]]) -> tuple[str, list[dict[str, Any]]]:
    """The table, and per task and measure both means, their 95 % intervals and the ratio of the means."""
    lines = [
        "| task | return of | TabRL | Stable-Baselines3 | ratio | not worse |",
        "|---|---|---|---|---|---|",
    ]
    comparisons = []
    for task in TASKS:
        for measure, words in MEASURES.items():
            (ours, our_half), (theirs, their_half) = (
                _interval([run[measure] for run in runs[side, task]]) for side in SIDES
            )
            not_worse = ours >= theirs - their_half
            lines.append(
                f"| {task} | {words} | {ours:.0f} ± {our_half:.0f} | {theirs:.0f} ± {their_half:.0f} "
                f"| {ours / theirs:.2f} | {'yes' if not_worse else 'no'} |"
            )
            comparisons.append(
                {
                    "task": task,
                    "measure": measure,
                    "tabrl_mean": ours,
                    "tabrl_half_width_95": our_half,
                    "stable_baselines3_mean": theirs,
                    "stable_baselines3_half_width_95": their_half,
                    "ratio": ours / theirs,
                    "not_worse": not_worse,
                }
            )
    seconds = {
        side: np.mean([run["training_seconds"] for task in TASKS for run in runs[side, task]])
        for side in SIDES
    }
    n = len(runs[SIDES[0], TASKS[0]])
    steps = runs[SIDES[0], TASKS[0]][0]["steps"]
    lines += [
        "",
        f"Mean of {n} seeds, ± half of the 95 % interval of the mean (Student's t), after {steps} steps. "
        "Not worse: TabRL's mean is not below the interval of Stable-Baselines3.",
        "",
        f"One run took {seconds['tabrl']:.0f} s with TabRL and {seconds['stable-baselines3']:.0f} s with "
        "Stable-Baselines3, one thread each; other work on the machine makes this no measure of speed.",
        "",
    ]
    return "\n".join(lines), comparisons


def _interval(values: list[float]) -> tuple[float, float]:
    """Mean, and half of its 95 % interval."""
    n = len(values)
    return float(np.mean(values)), float(T_95[n] * np.std(values, ddof=1) / np.sqrt(n))


if __name__ == "__main__":
    main()
