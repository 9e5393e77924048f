"""The asset lock, and fetching what it names: real files, a real HTTP server, wrong and missing bytes."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from wasm.build import pyodide_wheels
from wasm.build.assets import Asset, is_intact, parse_lock, read_lock, sha256_of, verify_npm
from wasm.build.errors import BuildError
from wasm.build.pypi_wheels import requirement

GOOD = b"the bytes that were locked"
SHA = hashlib.sha256(GOOD).hexdigest()
WHEEL = Asset(SHA, len(GOOD), "runtime/pyodide/a.whl", "pyodide:a.whl")


def test_lock_of_the_repository_is_complete() -> None:
    assets = read_lock()
    sources = {asset.source for asset in assets}
    assert "npm:pyodide/pyodide.asm.wasm" in sources
    assert "npm:@mujoco/mujoco/mujoco.wasm" in sources
    assert {asset.name.split("-")[0] for asset in assets if asset.kind == "pyodide"} >= {"numpy", "pydantic"}
    assert {requirement(asset.name) for asset in assets if asset.kind == "pypi"} >= {"anthropic==2.12.0"}
    assert all(parse_lock(asset.line()) == [asset] for asset in assets)


def test_comments_and_empty_lines_are_skipped() -> None:
    assert parse_lock(f"# a comment\n\n{WHEEL.line()}\n") == [WHEEL]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("abc", "expected 4 fields"),
        (f"{SHA[:-1]} 1 a npm:b", "is not a sha256"),
        (f"{SHA.upper()} 1 a npm:b", "is not a sha256"),
        (f"{SHA} -1 a npm:b", "'-1' is not a size"),
        (f"{SHA} 1 a ftp:b", "does not start with npm: or pyodide:"),
        (f"{SHA} 1 ../a npm:b", "'../a' is not a relative path"),
        (f"{SHA} 1 /a npm:b", "'/a' is not a relative path"),
        (f"{SHA} 1 a npm:b/../../c", "'b/../../c' is not a relative path"),
        (f"{SHA} 1 a npm:", "'' is not a relative path"),
    ],
)
def test_malformed_line_is_refused_with_its_number(line: str, complaint: str) -> None:
    with pytest.raises(BuildError) as caught:
        parse_lock(f"# comment\n{line}\n", "assets.lock")
    assert str(caught.value).startswith("assets.lock:2: ")
    assert complaint in str(caught.value)


def test_destination_twice_is_refused() -> None:
    with pytest.raises(BuildError, match=r"runtime/pyodide/a\.whl stands there twice"):
        parse_lock(f"{WHEEL.line()}\n{WHEEL.line()}\n")


def test_missing_lock_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="is missing; restore it from the repository"):
        read_lock(tmp_path / "assets.lock")


def test_sha256_of_known_content(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # the one-block example of FIPS 180-4
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_only_the_locked_bytes_are_intact(tmp_path: Path) -> None:
    path = tmp_path / "a.whl"
    assert not is_intact(WHEEL, path)
    path.write_bytes(GOOD)
    assert is_intact(WHEEL, path)
    path.write_bytes(GOOD[:-1] + b"?")
    assert not is_intact(WHEEL, path)
    path.write_bytes(GOOD + b"?")
    assert not is_intact(WHEEL, path)


def test_changed_npm_file_is_refused(tmp_path: Path) -> None:
    asset = Asset(SHA, len(GOOD), "vendor/a.js", "npm:a/a.js")
    with pytest.raises(BuildError, match=r"a\.js is missing; delete the folder wasm/node_modules"):
        verify_npm([asset], tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "a.js").write_bytes(b"something else")
    with pytest.raises(
        BuildError, match=rf"has sha256 [0-9a-f]{{12}}\.\.\. but wasm/assets.lock says {SHA[:12]}"
    ):
        verify_npm([asset], tmp_path)
    (tmp_path / "a" / "a.js").write_bytes(GOOD)
    verify_npm([asset], tmp_path)


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that a local HTTP server offers as Pyodide's release files."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_QuietHandler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        monkeypatch.setenv("TABRL_PYODIDE_URL", f"http://127.0.0.1:{server.server_address[1]}/")
        yield folder
        server.shutdown()
        thread.join()


RELEASE_ONLY = {"Pyodide's release files": pyodide_wheels.from_release}


def test_fetch_takes_the_locked_bytes(mirror: Path, tmp_path: Path) -> None:
    (mirror / "a.whl").write_bytes(GOOD)
    pyodide_wheels.fetch([WHEEL], tmp_path / "wheels", RELEASE_ONLY)
    assert [path.name for path in (tmp_path / "wheels").iterdir()] == ["a.whl"]
    assert (tmp_path / "wheels" / "a.whl").read_bytes() == GOOD


def test_fetch_refuses_other_bytes_and_keeps_nothing(mirror: Path, tmp_path: Path) -> None:
    (mirror / "a.whl").write_bytes(GOOD + b"!")
    with pytest.raises(
        BuildError, match=rf"gave sha256 .* but wasm/assets.lock says {SHA[:12]}.*was refused"
    ):
        pyodide_wheels.fetch([WHEEL], tmp_path / "wheels", RELEASE_ONLY)
    assert not (tmp_path / "wheels").exists()


def test_fetch_goes_on_to_the_next_source(mirror: Path, tmp_path: Path) -> None:
    def second(name: str) -> bytes:
        assert name == "a.whl"
        return GOOD

    for state in ("missing", "wrong"):
        if state == "wrong":
            (mirror / "a.whl").write_bytes(b"wrong")
        folder = tmp_path / state
        pyodide_wheels.fetch([WHEEL], folder, {**RELEASE_ONLY, "second": second})
        assert (folder / "a.whl").read_bytes() == GOOD


def test_present_file_is_not_fetched_again_and_a_damaged_one_is(mirror: Path, tmp_path: Path) -> None:
    (mirror / "a.whl").write_bytes(GOOD)
    pyodide_wheels.fetch([WHEEL], tmp_path, RELEASE_ONLY)
    (mirror / "a.whl").unlink()
    pyodide_wheels.fetch([WHEEL], tmp_path, RELEASE_ONLY)
    (tmp_path / "a.whl").write_bytes(GOOD[:5])
    with pytest.raises(BuildError, match="cannot be fetched"):
        pyodide_wheels.fetch([WHEEL], tmp_path, RELEASE_ONLY)
    (mirror / "a.whl").write_bytes(GOOD)
    pyodide_wheels.fetch([WHEEL], tmp_path, RELEASE_ONLY)
    assert (tmp_path / "a.whl").read_bytes() == GOOD


def test_dead_network_is_one_line_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _QuietHandler) as closed:
        port = closed.server_address[1]
    monkeypatch.setenv("TABRL_PYODIDE_URL", f"http://127.0.0.1:{port}")
    with pytest.raises(BuildError) as caught:
        pyodide_wheels.fetch([WHEEL], tmp_path, RELEASE_ONLY)
    message = str(caught.value)
    assert "\n" not in message
    assert "a.whl cannot be fetched" in message
    assert "Connection refused" in message
    assert "check the network connection and proxy settings, then run this again" in message


def test_npm_assets_are_not_fetched(tmp_path: Path) -> None:
    pyodide_wheels.fetch([Asset(SHA, 1, "a", "npm:a")], tmp_path, {})
    assert list(tmp_path.iterdir()) == []


def test_a_dead_source_tells_its_cause_and_no_address() -> None:
    def refused(name: str) -> bytes:
        raise OSError(
            "HTTPSConnectionPool(host='files.example', port=443): Max retries exceeded with url: "
            f"/packages/{'0' * 120}/{name} (Caused by SSLError('certificate verify failed'))"
        )

    with pytest.raises(BuildError, match="certificate verify failed") as caught:
        pyodide_wheels.fetch([WHEEL], Path("nowhere"), {"a mirror": refused})
    assert "files.example" not in str(caught.value)
    assert "Max retries" not in str(caught.value)
