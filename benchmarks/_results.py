"""Where benchmark results go: results/NAME.json and NAME.md, with the machine, the date and the versions."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def write(name: str, command: str, table: str, record: dict[str, Any]) -> dict[str, Any]:
    """Keep a benchmark's results.

    Args:
        name: of the benchmark.
        command: that measures them again.
        table: Markdown.
        record: plain JSON values.

    Returns:
        the record with machine and date, as written.
    """
    whole = {"benchmark": name, "date": datetime.now(UTC).date().isoformat(), "machine": machine(), **record}
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(whole, indent=1) + "\n")
    host = whole["machine"]
    heading = (
        f"# Benchmark: {name}\n\n`{command}`, {whole['date']}, {host['processor']}, {host['cores']} cores, "
        f"{host['system']}, Python {host['python']}.\n\n"
    )
    (FOLDER / f"{name}.md").write_text(heading + table)
    return whole
