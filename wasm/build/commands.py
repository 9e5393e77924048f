"""The commands of `./build.sh`, run inside the virtual environment once it is up to date."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from wasm.build import browser, check, dist
from wasm.build.console import fail, say
from wasm.build.errors import BuildError
from wasm.build.paths import DIST, ROOT


def serve(arguments: list[str]) -> int:
    """Build the page and serve it until Ctrl+C; does not return."""
    dist.build()
    return _become(["-m", "proxy", "--directory", str(DIST), *arguments])


WHOLE_SUITE = ["--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder"]
"""How all tests are run: files in the order of tests/conftest.py, two at a time, each in one process."""


def test(arguments: list[str]) -> int:
    """Build the page, make sure of a browser and run pytest with the given arguments; does not return."""
    dist.build()
    os.environ["TABRL_CHROMIUM"] = browser.require_chromium()
    say(f"Running the tests (browser: {os.environ['TABRL_CHROMIUM']}) ...")
    return _become(["-m", "pytest", *(arguments or WHOLE_SUITE)])


def bench(arguments: list[str]) -> int:
    """Build the page, whose models the benchmarks use, and run one benchmark; does not return."""
    folder = ROOT / "benchmarks"
    names = sorted(path.stem for path in folder.glob("[a-z]*.py") if path.stem != "zoo")
    if not arguments or arguments[0] not in names:
        given = f"{arguments[0]!r} is not a benchmark; " if arguments else ""
        raise BuildError(f"bench: {given}say ./build.sh bench NAME with one of: {', '.join(names)}")
    name, *rest = arguments
    dist.build()
    return _become(["-m", f"benchmarks.{name}", *rest])


def zoo(arguments: list[str]) -> int:
    """Build the page and train one of its shipped policies in it; does not return."""
    dist.build()
    return _become(["-m", "benchmarks.zoo", *arguments])


def build_dist(arguments: list[str]) -> int:
    """Build the page and say where it is."""
    _no_arguments("dist", arguments)
    dist.build()
    size = sum(path.stat().st_size for path in DIST.rglob("*") if path.is_file())
    say(f"dist/ is up to date: {size / 1e6:.0f} MB, ready for any static host")
    return 0


def lock_assets(arguments: list[str]) -> int:
    """Write wasm/assets.lock anew."""
    _no_arguments("lock-assets", arguments)
    dist.relock_assets()
    return 0


def _no_arguments(command: str, arguments: Sequence[str]) -> None:
    if arguments:
        raise BuildError(f"{command} takes no arguments, but was given {' '.join(arguments)!r}")


def _become(arguments: list[str]) -> int:
    """Replace this process by Python with these arguments, so that signals and exit codes are its own."""
    sys.stdout.flush()
    os.chdir(ROOT)
    # TabRL's matrices are small: threads of NumPy's BLAS would wait for each other far longer than they work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.execv(sys.executable, [sys.executable, *arguments])


COMMANDS = {
    "serve": serve,
    "test": test,
    "check": check.run,
    "bench": bench,
    "zoo": zoo,
    "dist": build_dist,
    "lock-assets": lock_assets,
}


def main(arguments: list[str]) -> int:
    """Run one command by name; prints one clear line and returns 1 when it cannot be done."""
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except (BuildError, OSError) as error:
        return fail(error)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
