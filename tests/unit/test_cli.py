"""The command line, as a user types it."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tabrl_py.cli import main
from tabrl_py.policy import load_policy
from tabrl_py.policy.link import recipe_link
from tabrl_py.tasks import TASKS, get_task
from tabrl_py.tasks.recipes import default_recipe

SMALL = ["--set", "n_envs=4", "--set", "algo.n_steps=16", "--set", "algo.minibatch_size=32"]
SMALL += ["--set", "network.hidden=8,4"]


def test_train_writes_a_policy_a_curve_and_a_run_that_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, curve, run = tmp_path / "p.safetensors", tmp_path / "c.csv", tmp_path / "run.safetensors"
    arguments = ["train", "InvertedPendulum-v5", "--steps", "128", "--seed", "5", *SMALL]
    assert main([*arguments, "--out", str(out), "--curve", str(curve), "--checkpoint", str(run)]) == 0
    policy = load_policy(out.read_bytes())
    assert policy.steps == 128
    assert policy.sizes[1:-1] == (8, 4)
    assert policy.recipe["seed"] == 5
    assert policy.evaluation is not None
    rows = list(csv.DictReader(curve.read_text().splitlines()))
    assert [int(row["steps"]) for row in rows] == [64, 128]
    assert float(rows[0]["return_mean"]) > 0.0
    assert "128 steps" in capsys.readouterr().err

    again = tmp_path / "again.safetensors"
    assert main(["train", "--resume", str(run), "--out", str(again)]) == 0
    assert again.read_bytes() == out.read_bytes()

    capsys.readouterr()
    assert main(["evaluate", str(out), "--seeds", "0,1,2,3,4,5,6,7,8,9", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == policy.evaluation

    begun = tmp_path / "begun.safetensors"
    assert main([*arguments, "--start-from", str(out), "--out", str(begun)]) == 0


def test_random_actions_are_evaluated_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "random", "--task", "InvertedPendulum-v5", "--seeds", "3"]) == 0
    assert "3 of 3 episodes terminated" in capsys.readouterr().out


def test_tasks_lists_every_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(TASKS)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["train"], "ConfigError: train needs a task"),
        (["train", "Hoper-v5"], "did you mean Hopper-v5"),
        (["train", "Hopper-v5", "--set", "algo.gamma=2"], "algo.gamma=2 is too large"),
        (["train", "Hopper-v5", "--set", "algo.gamma"], "not NAME=VALUE"),
        (["train", "Hopper-v5", "--set", "gamma=1"], "gamma is not a setting"),
        (["train", "Hopper-v5", "--steps", "0"], "total_steps=0 is too small"),
        (["train", "--resume", "nothing.here"], "nothing.here"),
        (["evaluate", "nothing.here"], "nothing.here: No such file"),
        (["evaluate", __file__], "PolicyFileError: the file is corrupt or not TabRL's"),
        (["evaluate", "random"], "needs --task"),
        (["evaluate", "random", "--task", "Hopper-v5", "--seeds", "x"], "--seeds x"),
        (["evaluate", "random", "--task", "Hopper-v5", "--seeds", "0"], "--seeds 0"),
    ],
)
def test_user_errors_are_one_line_and_exit_code_2(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert len(error.splitlines()) == 1


def test_ctrl_c_saves_the_policy_and_the_run(tmp_path: Path, robot_models: Path) -> None:
    out = tmp_path / "p.safetensors"
    arguments = ["train", "InvertedPendulum-v5", "--steps", "100000000", "--out", str(out), *SMALL]
    environment = {**os.environ, "TABRL_MODELS": str(robot_models)}
    curve = tmp_path / "curve.csv"
    process = subprocess.Popen(
        [sys.executable, "-m", "tabrl_py", *arguments, "--curve", str(curve)],
        cwd=Path(__file__).parents[2],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not (curve.exists() and curve.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    run = tmp_path / "p.checkpoint.safetensors"
    assert f"--resume {run}" in output
    assert load_policy(out.read_bytes()).steps > 0
    assert run.exists()


def test_a_policy_becomes_a_link_and_a_policy_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand = Path(__file__).parents[2] / "web" / "policies" / "humanoid-stand.safetensors"
    assert main(["link", str(stand), "--page", "https://lab.example/"]) == 0
    address = capsys.readouterr().out.strip()
    assert address.startswith("https://lab.example/#p=")
    out = tmp_path / "shared.safetensors"
    assert main(["link", address, "--out", str(out)]) == 0
    assert "'Stand', for humanoid-stand" in capsys.readouterr().out
    assert load_policy(out.read_bytes()).sizes == load_policy(stand.read_bytes()).sizes
    assert main(["link", address[:-9]]) == 2
    assert "LinkError: the link is cut short" in capsys.readouterr().err
    assert main(["link", recipe_link(default_recipe(get_task("humanoid-walk")), "w")]) == 0
    assert json.loads(capsys.readouterr().out)["task"] == "humanoid-walk"
