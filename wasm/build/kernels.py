"""Compiling `wasm/kernels/*.c` with ziglang (PyPI), four times from one source.

    kernels.side.wasm      for Pyodide: position-independent, with `dylink.0`; ctypes.CDLL loads it
    kernels.wasm           for JS: exports its memory and `__heap_base`, arrays may begin there
    kernels.scalar.wasm    the same without SIMD, for engines that lack it and for tests
    libkernels.so          for CPython on this machine (.dylib on macOS, .dll on Windows)

All give the same bits: products are never fused with sums, and sums have a fixed order.
"""

from __future__ import annotations

import fcntl
import importlib.util
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from wasm.build import stamps
from wasm.build.console import run_logged
from wasm.build.errors import BuildError
from wasm.build.paths import CACHE, ROOT, WASM

SOURCES = WASM / "kernels"
OUT = CACHE / "kernels"
SIDE_MODULE = "kernels.side.wasm"
STAND_ALONE = "kernels.wasm"
SCALAR = "kernels.scalar.wasm"
NATIVE = {"darwin": "libkernels.dylib", "win32": "libkernels.dll"}.get(sys.platform, "libkernels.so")

ZIG = [sys.executable, "-m", "ziglang"]
C_FLAGS = [
    "-std=c11", "-O3", "-g0", "-Wall", "-Wextra", "-Werror",
    "-ffp-contract=off",  # no fused multiply-add: the same bits on every machine
    "-fno-math-errno", "-fno-sanitize=all", "-fvisibility=hidden",
]  # fmt: skip
WASM_FLAGS = ["-ffreestanding", "-mbulk-memory"]
STAND_ALONE_FLAGS = [
    "-target", "wasm32-freestanding", "-nostdlib", "-s",
    "-Wl,--no-entry", "-Wl,--export-dynamic", "-Wl,--export=__heap_base",
]  # fmt: skip


def available() -> bool:
    """Whether the compiler is installed."""
    return importlib.util.find_spec("ziglang") is not None


def build(folder: Path = OUT) -> Path:
    """Bring the compiled kernels in `folder` up to date and return it; does nothing when nothing has changed.

    Raises:
        BuildError: the compiler is missing or refuses the sources.
    """
    if not available():
        raise BuildError("the C compiler, the Python package ziglang, is not installed; run ./build.sh setup")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / "stamp"
        wanted = stamps.fingerprint([SOURCES, Path(__file__)], sys.platform, platform.machine(), root=ROOT)
        if not stamps.is_fresh(stamp, wanted) or not all((folder / name).is_file() for name in names()):
            stamp.unlink(missing_ok=True)
            # Made beside the old ones and moved into place: a process may have those loaded.
            with TemporaryDirectory(dir=folder) as fresh:
                _compile(Path(fresh))
                for name in names():
                    (Path(fresh) / name).replace(folder / name)
            stamps.mark(stamp, wanted)
    return folder


def _compile(folder: Path) -> None:
    files = sorted(SOURCES.glob("*.c"))
    _side_module(files, folder)
    simd = [*WASM_FLAGS, "-msimd128"]
    _zig(
        "Compiling the stand-alone kernels",
        ["cc", *C_FLAGS, *simd, *STAND_ALONE_FLAGS, *files, "-o", folder / STAND_ALONE],
    )
    _zig(
        "Compiling the kernels without SIMD",
        ["cc", *C_FLAGS, *WASM_FLAGS, *STAND_ALONE_FLAGS, *files, "-o", folder / SCALAR],
    )
    _zig(
        "Compiling the native kernels",
        ["cc", *C_FLAGS, "-shared", "-fPIC", "-s", *files, "-o", folder / NATIVE],
    )


def names() -> tuple[str, ...]:
    """The files that build() makes."""
    return SIDE_MODULE, STAND_ALONE, SCALAR, NATIVE


def _side_module(files: Sequence[Path], folder: Path) -> None:
    objects = []
    for file in files:
        target = folder / f"{file.stem}.o"
        flags = [*C_FLAGS, *WASM_FLAGS, "-msimd128", "-fPIC", "-target", "wasm32-emscripten"]
        _zig(f"Compiling {file.name} for Pyodide", ["cc", *flags, "-c", file, "-o", target])
        objects.append(target)
    link = ["wasm-ld", "--experimental-pic", "-shared", "--no-entry", "--export-dynamic", "--strip-all"]
    _zig("Linking the kernels for Pyodide", [*link, *objects, "-o", folder / SIDE_MODULE])


def _zig(label: str, arguments: Sequence[str | Path]) -> None:
    cache = str(CACHE / "zig")
    environment = {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
    run_logged(label, [*ZIG, *arguments], "kernels.log", env=environment)
