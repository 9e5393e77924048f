"""What the page knows of teams (web/team.js) is what the Python package knows; frames keep their order."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tabrl_py.algos.registry import make_algorithm
from tabrl_py.algos.shards import Share, shard_count
from tabrl_py.algos.team import together
from tabrl_py.config import ALGORITHMS
from tabrl_py.errors import ConfigError
from tabrl_py.tasks import get_task
from tabrl_py.tasks.recipes import default_recipe

ROOT = Path(__file__).resolve().parents[2]


def in_node(folder: Path, script: str) -> Any:
    """What a script says of `team`, the page's module."""
    node = shutil.which("node")
    assert node is not None
    (folder / "package.json").write_text('{"type": "module"}')
    shutil.copy(ROOT / "web" / "team.js", folder)
    (folder / "script.js").write_text(
        f'import * as team from "./team.js";\nconsole.log(JSON.stringify({script}));'
    )
    result = subprocess.run(
        [node, str(folder / "script.js")], capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_as_many_workers_as_shards(tmp_path: Path) -> None:
    script = "Array.from({ length: 400 }, (_, n) => team.mostWorkers({ algorithm: 'ppo', n_envs: n + 1 }))"
    assert in_node(tmp_path, script) == [shard_count(n + 1) for n in range(400)]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_one_worker_where_an_algorithm_refuses_a_team(tmp_path: Path, algorithm: str) -> None:
    task = get_task("InvertedPendulum-v5")
    recipe = default_recipe(task, algorithm, {"n_envs": 16})
    try:
        make_algorithm(recipe, task, Share(16, together(2)[0]))
        most = 8
    except ConfigError:
        most = 1
    assert in_node(tmp_path, f"team.mostWorkers({{ algorithm: '{algorithm}', n_envs: 16 }})") == most


FRAMES = """(() => {
  const frame = (member) => ({
    type: "frame",
    poses: Float32Array.of(member, member + 0.5).buffer,
    torques: Float32Array.of(-member).buffer,
    returns: [member, 10 + member], steps: [member], sim_s: member, real_time_factor: null,
  });
  const { poses, torques, ...rest } = team.mergeFrames([1, 2, 3].map(frame));
  const alone = frame(1);
  const started = (rows) => ({ type: "started", n_envs: 2, rows, parameters: 5 });
  return {
    ...rest, poses: [...new Float32Array(poses)], torques: [...new Float32Array(torques)],
    alone: team.mergeFrames([alone]) === alone,
    started: team.mergeStarted([[0, 1], [2], []].map(started), 9),
  };
})()"""


def test_frames_and_rows_are_put_together_in_the_order_of_members(tmp_path: Path) -> None:
    assert in_node(tmp_path, FRAMES) == {
        "type": "frame",
        "poses": [1, 1.5, 2, 2.5, 3, 3.5],
        "torques": [-1, -2, -3],
        "returns": [1, 11, 2, 12, 3, 13],
        "steps": [1, 2, 3],
        "sim_s": 1,
        "real_time_factor": None,
        "alone": True,
        "started": {"type": "started", "n_envs": 9, "rows": [0, 1, 2], "parameters": 5},
    }


PLACES = """[1, 3].map((members) => team.teamPlaces(members).map(({ ports, ...place }) => (
  { ...place, ports: ports?.map((port) => port?.constructor.name ?? null) }
)))"""


def test_a_team_without_shared_memory_has_a_channel_between_each_two(tmp_path: Path) -> None:
    one, three = in_node(
        tmp_path, f"(() => {{ const found = {PLACES}; process.exitCode = 0; return found; }})()"
    )
    assert one == [{"members": 1, "me": 0}]
    port = "MessagePort"
    assert three == [
        {"members": 3, "me": 0, "ports": [None, port, port]},
        {"members": 3, "me": 1, "ports": [port, None, port]},
        {"members": 3, "me": 2, "ports": [port, port, None]},
    ]
