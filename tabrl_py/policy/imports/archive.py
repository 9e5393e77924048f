"""Zip archives of other programs, read within bounds: no entry is inflated beyond what is due."""

import io
import zipfile
import zlib

from tabrl_py.errors import PolicyFileError

MOST_ENTRIES = 1000
LARGEST_ENTRY = 64 * 1024 * 1024
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    UnicodeError,
    ValueError,
)
"""What zipfile raises on archives that are damaged, encrypted, or packed in a way it does not know."""


class Archive:
    """The entries of a zip archive in memory."""

    def __init__(self, data: bytes, what: str) -> None:
        """Read the list of entries.

        Raises:
            PolicyFileError: it is no archive, or has more than MOST_ENTRIES entries.
        """
        self._what = what
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            infos = self._zip.infolist()
        except _BROKEN as error:
            raise PolicyFileError(
                f"{what} is no zip archive, or it is damaged ({error}); save it again"
            ) from error
        if len(infos) > MOST_ENTRIES:
            raise PolicyFileError(f"{what} has {len(infos)} entries; a policy has at most {MOST_ENTRIES}")
        self._infos = {info.filename: info for info in infos}

    @property
    def names(self) -> list[str]:
        """Of the entries."""
        return list(self._infos)

    def read(self, name: str, most: int = LARGEST_ENTRY) -> bytes:
        """An entry's bytes.

        Raises:
            PolicyFileError: there is no such entry, it is larger than `most`, or it is damaged.
        """
        info = self._infos.get(name)
        if info is None:
            raise PolicyFileError(f"{self._what} lacks the entry {name!r}; save it again")
        if info.file_size > most:
            raise PolicyFileError(
                f"the entry {name!r} of {self._what} takes {info.file_size} bytes; at most {most} are read"
            )
        try:
            with self._zip.open(info) as file:
                data = file.read(most + 1)
        except _BROKEN as error:
            raise PolicyFileError(
                f"the entry {name!r} of {self._what} is damaged ({error}); save it again"
            ) from error
        if len(data) > most:
            raise PolicyFileError(f"the entry {name!r} of {self._what} is larger than it says; save it again")
        return data
