"""The page's data and the tables of the documents are what the package says now."""

import json
import subprocess
import sys
from pathlib import Path

import tabrl_py
from tabrl_py.config import Recipe, describe_settings
from tabrl_py.export import fitness_json, observations_markdown, rewards_json, settings_json, tasks_json
from tabrl_py.rewards.language import rewards_markdown
from tabrl_py.tasks import TASKS

ROOT = Path(tabrl_py.__file__).parents[1]


def export(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tabrl_py.export", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_tables_in_the_documents_are_fresh() -> None:
    written = (ROOT / "docs" / "observations.md").read_text(encoding="utf-8")
    assert written == observations_markdown(), "stale: run `python -m tabrl_py.export --docs docs`"
    written = (ROOT / "docs" / "rewards.md").read_text(encoding="utf-8")
    assert written == rewards_markdown(), "stale: run `python -m tabrl_py.export --docs docs`"


def test_tables_number_every_observation_of_the_house_robot() -> None:
    lines = observations_markdown().splitlines()
    at = lines.index("| index | what | of | unit | read from | shaped |") + 2
    rows = [line.split("|") for line in lines[at : at + 72]]
    assert [int(row[1]) for row in rows] == list(range(72))
    assert rows[12][3].strip() == "abdomen_z"
    assert rows[53][3].strip() == "left_elbow"
    assert rows[71][4].strip() == "m"
    assert lines[at + 72] == ""


def test_command_writes_its_files_the_same_every_time(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        done = export("--out", str(tmp_path / folder))
        assert done.returncode == 0, done.stderr
    texts = {
        "tasks.json": tasks_json(),
        "settings.json": settings_json(),
        "rewards.json": rewards_json(),
        "fitness.json": fitness_json(),
    }
    for name, text in texts.items():
        first, second = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two"))
        assert first == second == text.encode()


def test_every_task_has_a_fitness_that_is_its_own_and_others_judge_the_same_robot_alone() -> None:
    records = json.loads(fitness_json())["fitness"]
    owners = [task for record in records for task in record["own"]]
    assert sorted(owners) == sorted(TASKS)
    judged = {record["id"]: record["tasks"] for record in records}
    assert "humanoid-stand" in judged["humanoid-hop"]
    assert "Ant-v5" not in judged["humanoid-hop"]
    assert judged["humanoid-command"] == ["humanoid-command"]


def test_records_say_what_the_package_says() -> None:
    tasks = json.loads(tasks_json())["tasks"]
    assert [task["id"] for task in tasks] == list(TASKS)
    assert tasks[0]["observation"][0] == {
        "name": "torso height",
        "source": "qpos",
        "start": 2,
        "stop": 3,
        "unit": "m",
        "fn": "id",
        "scale": 1.0,
        "clip": None,
        "noise": 0.01,
        "rate": 1.0,
    }
    by_id = {task["id"]: task["defaults"] for task in tasks}
    assert by_id["Hopper-v5"]["sac"]["network.hidden"] == [256, 256]
    assert by_id["Hopper-v5"]["ars"]["algo.n_directions"] == 8
    assert "reinforce" not in by_id["Hopper-v5"]
    settings = json.loads(settings_json())
    assert set(settings) == set(describe_settings())
    seed = next(entry for entry in settings["run"] if entry["name"] == "seed")
    assert seed["default"] == Recipe(task="humanoid-stand").seed


def test_nowhere_to_write_is_refused() -> None:
    done = export()
    assert done.returncode == 2
    assert "say where to write" in done.stderr
