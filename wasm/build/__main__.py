"""First half of `./build.sh`: read the command, make the environment, hand over to `commands.py` in it."""

from __future__ import annotations

import os
import shutil
import sys

from wasm.build import environment
from wasm.build.console import fail
from wasm.build.errors import BuildError
from wasm.build.paths import CACHE, DIST, NODE_MODULES, ROOT, VENV

HELP = """TabRL: set-up, build, serve, test

  ./build.sh serve [--port 8080]   build the page and serve it at http://127.0.0.1:8080
  ./build.sh test [PYTEST ...]     run all tests, or what pytest's arguments choose
  ./build.sh check [NAME ...]      format, lint, types, layers
  ./build.sh bench NAME [...]      run benchmarks/NAME.py
  ./build.sh zoo NAME [...]        train a shipped policy again, in the page itself
  ./build.sh dist                  build the page into dist/, for any static host
  ./build.sh clean                 delete everything that build.sh has made
  ./build.sh lock                  write the lock files of Python and npm packages anew (maintainers)
  ./build.sh lock-assets           write wasm/assets.lock anew (maintainers)

Every command first installs what is missing, from lock files with hashes, into .venv, wasm/node_modules
and .cache; what is already there is not touched and needs no network.
"""
NEEDS_DEV = {
    **dict.fromkeys(("test", "check", "bench", "zoo"), True),
    **dict.fromkeys(("serve", "dist", "lock-assets"), False),
}


def clean() -> int:
    """Delete what the build has made, and the caches of the tools."""
    caches = [
        ROOT / name
        for name in (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "dist.tmp", "dist.old")
    ]
    for folder in (DIST, CACHE, VENV, NODE_MODULES, *caches):
        if folder.exists():
            print(f"deleting {folder.relative_to(ROOT)}", flush=True)
            shutil.rmtree(folder)
    return 0


def main(arguments: list[str]) -> int:
    """Run one command of `./build.sh`; returns the exit status."""
    command = arguments[0] if arguments else "help"
    if command in ("help", "--help", "-h"):
        print(HELP, end="")
        return 0
    try:
        if command == "clean":
            return clean()
        if command == "lock":
            environment.make(dev=True)
            environment.relock()
            return 0
        if command not in NEEDS_DEV:
            raise BuildError(
                f"{command!r} is not a command; the commands are: {', '.join(NEEDS_DEV)}, clean, lock, help"
            )
        python = environment.make(dev=NEEDS_DEV[command])
    except (BuildError, OSError) as error:
        return fail(error)
    except KeyboardInterrupt:
        return 130
    os.execv(python, [str(python), "-m", "wasm.build.commands", *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
