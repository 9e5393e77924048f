"""The page's links in Node.js, one process that answers line by line."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tabrl_py.export import settings_json, tasks_json
from tabrl_py.policy import load_policy
from tabrl_py.policy.link import policy_link

ROOT = Path(__file__).resolve().parents[2]
POLICIES = sorted((ROOT / "web" / "policies").glob("*.safetensors"))


class LinkPage:
    """web/links/, as the page has it."""

    def __init__(self, folder: Path) -> None:
        """Start it, with its modules in `folder`."""
        for part in ("links", "panels"):
            shutil.copytree(ROOT / "web" / part, folder / part)
        (folder / "package.json").write_text('{"type": "module"}')
        (folder / "tasks.json").write_text(tasks_json())
        (folder / "settings.json").write_text(settings_json())
        node = shutil.which("node")
        assert node is not None
        script = Path(__file__).with_name("link_page.mjs")
        records = [str(folder / "tasks.json"), str(folder / "settings.json")]
        command = [node, str(script), (folder / "links").as_uri(), *records]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        # Compilers warm up before anybody looks at the clock.
        self.ask("many", links=[policy_link(load_policy(POLICIES[0].read_bytes()), "first")] * 20)

    def ask(self, call: str, **job: Any) -> Any:
        """What the page makes of it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"call": call, **job}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["answer"]

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=20)
        assert self.process.stdout is not None
        self.process.stdout.close()


def text(data: bytes) -> str:
    """Bytes as the page takes them."""
    return base64.b64encode(data).decode()
