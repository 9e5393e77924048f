"""A robot's file read natively: MJCF with the files beside it, or a zip that holds both.

web/workers/robot/archive.js and files.js do the same in the page, with the same limits.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from tabrl_py.errors import ModelError
from tabrl_py.sim.model_text import pack

READ = (".xml", ".mjcf", ".stl", ".obj", ".msh", ".png", ".bin", ".hf", ".skn", ".ktx")
"""Endings of what the engine may read; other files of an archive are left out."""
MODELS = (".xml", ".mjcf")
MOST_FILES = 500
LARGEST_BYTES = 24 * 2**20
"""Of all files together, unpacked."""
_INCLUDED = re.compile(r"""<include\b[^>]*?\bfile\s*=\s*["']([^"']*)["']""")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def read_robot(path: Path) -> str:
    """The model text of a file, see sim/model_text.py.

    Raises:
        ModelError: it is too large, damaged, or has no robot.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise _too_large(path.name, size)
    data = path.read_bytes()
    if data[:4] == b"PK\x03\x04":
        return _of_archive(path.name, data)
    beside = {path.name: data}
    waiting = [data]
    while waiting:
        # Whatever stands in the model's folder and is named in its text comes with it.
        text = _decoded(path.name, waiting.pop())
        for found in sorted(path.parent.rglob("*")):
            place = found.relative_to(path.parent).as_posix()
            named = found.suffix.lower() in READ and found.is_file() and found.name in text
            if named and place not in beside:
                beside[place] = found.read_bytes()
                _check_size(path.name, beside)
                if found.suffix.lower() in MODELS:
                    waiting.append(beside[place])
    return _packed(path.name, beside, path.name)


def _of_archive(name: str, data: bytes) -> str:
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if _wanted(entry)]
            _check_counts(name, len(entries), sum(entry.file_size for entry in entries))
            for entry in entries:
                files[_safe(name, entry.filename)] = archive.read(entry)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise ModelError(
            f"{name} cannot be unpacked: {error}; make the zip again, without a password"
        ) from error
    return _packed(name, files, _main(name, files))


def _wanted(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts if part != "..")
    return not entry.is_dir() and not hidden and path.suffix.lower() in READ


def _safe(name: str, path: str) -> str:
    if path.startswith("/") or ".." in PurePosixPath(path).parts or "\\" in path or not path.isascii():
        raise ModelError(f"{name} holds {path!r}; use plain relative ASCII paths in it")
    return path


def _main(name: str, files: Mapping[str, bytes]) -> str:
    """The model among the files: one that no other includes, nearest to the top, `scene` before others."""
    models = [path for path in files if PurePosixPath(path).suffix.lower() in MODELS]
    texts = {path: _COMMENT.sub("", _decoded(path, files[path])) for path in models}
    included = {PurePosixPath(found).name for text in texts.values() for found in _INCLUDED.findall(text)}
    tops = [p for p in models if "<mujoco" in texts[p] and PurePosixPath(p).name not in included]
    if not tops:
        raise ModelError(f"{name} holds no MJCF (an .xml file with <mujoco>) that is not included by another")
    return min(tops, key=lambda p: (p.count("/"), not PurePosixPath(p).stem.startswith("scene"), p))


def _packed(name: str, files: Mapping[str, bytes], main: str) -> str:
    folder = main.removesuffix(PurePosixPath(main).name)
    below = {path.removeprefix(folder): data for path, data in files.items() if path.startswith(folder)}
    xml = _decoded(name, files[main])
    if "<!ENTITY" in xml:
        raise ModelError(f"{name} declares XML entities, which are not read; write the values out")
    own = main.rpartition("/")[2]
    return pack(xml, {path: data for path, data in below.items() if path != own})


def _decoded(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ModelError(f"{name} is not text in UTF-8 ({error.reason}); save it as UTF-8") from error


def _check_size(name: str, files: Mapping[str, bytes]) -> None:
    _check_counts(name, len(files), sum(map(len, files.values())))


def _check_counts(name: str, count: int, size: int) -> None:
    if count > MOST_FILES:
        raise ModelError(f"{name} holds {count} files; a robot has at most {MOST_FILES}")
    if size > LARGEST_BYTES:
        raise _too_large(name, size)


def _too_large(name: str, size: int) -> ModelError:
    most = LARGEST_BYTES // 2**20
    return ModelError(
        f"{name} has {size / 2**20:.0f} MiB; a robot has at most {most}: leave out what it does not need"
    )
