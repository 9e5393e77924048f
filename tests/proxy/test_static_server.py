"""The page's server, asked over real HTTP."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from proxy.static import inline_scripts
from tests.servers import ROOT, served

IMPORT_MAP = '\n  {"imports": {"three": "./three.js"}}\n  '
PAGE = (
    f'<!doctype html><script type="importmap">{IMPORT_MAP}</script>'
    '<script type="module" src="main.js"></script>'
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = tmp_path_factory.mktemp("outside") / "page"
    (page / "workers").mkdir(parents=True)
    (page.parent / "secret.txt").write_text("not for the page", encoding="utf-8")
    (page / "index.html").write_text(PAGE, encoding="utf-8")
    for name in ("main.js", "workers/python_worker.js", "a.mjs", "a.css", "a.json", "a.xml", "a.svg"):
        (page / name).write_text("// text", encoding="utf-8")
    (page / "big.json").write_text("[0]" * 1000, encoding="utf-8")
    (page / "big.json.br").write_bytes(b"brotli bytes of big.json")
    (page / "newer.json.br").write_bytes(b"brotli bytes of an older file")
    os.utime(page / "newer.json.br", (1.7e9, 1.7e9))
    (page / "newer.json").write_text("{}", encoding="utf-8")
    for name in ("a.wasm", "a.whl", "a.zip", "a.woff2", "a.safetensors", "a.unheard-of"):
        (page / name).write_bytes(bytes(range(256)))
    return page


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with served(folder) as url:
        yield url


class Answer:
    """An answer of the server, read completely."""

    def __init__(
        self, address: str, path: str, method: str = "GET", headers: dict[str, str] | None = None
    ) -> None:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
        try:
            connection.putrequest(method, path)
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            self.status = response.status
            self.headers = response.headers
            self.body = response.read()
        finally:
            connection.close()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "text/html; charset=utf-8"),
        ("index.html", "text/html; charset=utf-8"),
        ("main.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.xml", "application/xml"),
        ("a.svg", "image/svg+xml"),
        ("a.wasm", "application/wasm"),
        ("a.whl", "application/zip"),
        ("a.zip", "application/zip"),
        ("a.woff2", "font/woff2"),
        ("a.safetensors", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
    ],
)
def test_media_types(address: str, folder: Path, name: str, expected: str) -> None:
    answer = Answer(address, f"/{name}")
    assert answer.status == 200
    assert answer.headers.get_all("Content-Type") == [expected]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.body == (folder / (name or "index.html")).read_bytes()


@pytest.mark.parametrize("path", ["/", "/main.js", "/workers/python_worker.js", "/health", "/missing.js"])
def test_every_answer_isolates_the_page(address: str, path: str) -> None:
    headers = Answer(address, path).headers
    assert headers.get_all("Cross-Origin-Opener-Policy") == ["same-origin"]
    assert headers.get_all("Cross-Origin-Embedder-Policy") == ["require-corp"]
    assert headers.get_all("Cross-Origin-Resource-Policy") == ["same-origin"]
    assert headers.get_all("Cache-Control") == ["no-cache"]
    (policy,) = headers.get_all("Content-Security-Policy", [])
    assert "connect-src 'self';" in policy
    assert "default-src 'none';" in policy


def _scripts(address: str, path: str) -> str:
    policy: str = Answer(address, path).headers["Content-Security-Policy"]
    (scripts,) = [part for part in policy.split("; ") if part.startswith("script-src ")]
    return scripts


def test_only_workers_may_compile_code(address: str) -> None:
    assert "unsafe-eval" in _scripts(address, "/workers/python_worker.js")
    assert "'wasm-unsafe-eval'" in _scripts(address, "/workers/python_worker.js")
    for path in ("/", "/main.js", "/missing.js"):
        assert "unsafe" not in _scripts(address, path)


def test_only_the_designer_may_ask_the_api_itself(address: str, folder: Path) -> None:
    for path in ("/", "/main.js", "/workers/python_worker.js", "/workers/designer_worker.js.map", "/missing"):
        assert "connect-src 'self';" in Answer(address, path).headers["Content-Security-Policy"]
    (folder / "workers" / "designer_worker.js").write_text("// text", encoding="utf-8")
    policy = Answer(address, "/workers/designer_worker.js").headers["Content-Security-Policy"]
    assert "connect-src 'self' https://api.anthropic.com;" in policy


def test_only_the_embedded_page_may_be_framed(address: str) -> None:
    for path in ("/", "/index.html", "/?embed=10", "/?x=embed=1", "/main.js?embed=1", "/missing?embed=1"):
        assert "frame-ancestors 'none'" in Answer(address, path).headers["Content-Security-Policy"]
    for path in ("/?embed=1", "/index.html?a=b&embed=1"):
        assert Answer(address, path).headers["Content-Security-Policy"].endswith("frame-ancestors *")


def test_only_a_name_that_holds_the_content_is_kept_for_ever(address: str, folder: Path) -> None:
    right = sha256(b"body").hexdigest()[:12]
    for name, kept in (
        (f"a.{right}.js", True),
        (f"a-{right}.wasm", True),
        ("a.0123456789ab.js", False),
        (f"a.{right[:7]}.js", False),
        (f"{right}.js", False),
    ):
        (folder / name).write_bytes(b"body")
        expected = "public, max-age=31536000, immutable" if kept else "no-cache"
        answer = Answer(address, f"/{name}")
        assert answer.headers.get_all("Cache-Control") == [expected], name
        again = Answer(address, f"/{name}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status, again.headers["Cache-Control"]) == (304, expected)
    assert Answer(address, f"/missing.{right}.js").headers["Cache-Control"] == "no-cache"


def test_policy_allows_the_import_map_and_no_other_inline_script(address: str) -> None:
    assert inline_scripts(PAGE) == [IMPORT_MAP]
    digest = b64encode(sha256(IMPORT_MAP.encode()).digest()).decode()
    assert _scripts(address, "/") == f"script-src 'self' 'sha256-{digest}'"


def test_unchanged_file_answers_304_with_the_same_policy(address: str) -> None:
    first = Answer(address, "/")
    again = Answer(address, "/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Content-Security-Policy"] == first.headers["Content-Security-Policy"]


def test_changed_file_is_sent_anew(address: str, folder: Path) -> None:
    changing = folder / "changing.js"
    changing.write_text("let a = 1;", encoding="utf-8")
    etag = Answer(address, "/changing.js").headers["ETag"]
    changing.write_text("let a = 22;", encoding="utf-8")
    answer = Answer(address, "/changing.js", headers={"If-None-Match": etag})
    assert (answer.status, answer.body) == (200, b"let a = 22;")


def test_missing_file_is_named(address: str) -> None:
    answer = Answer(address, "/models/no_such_robot.xml")
    assert answer.status == 404
    assert b"/models/no_such_robot.xml is not on this server; run ./build.sh dist" in answer.body
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/workers/../../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/main.js%00.html",
        "/" + "a" * 4000,
    ],
)
def test_nothing_outside_the_folder_is_served(address: str, path: str) -> None:
    answer = Answer(address, path)
    assert answer.status == 404
    assert b"not for the page" not in answer.body
    assert b"root:" not in answer.body


def test_a_link_out_of_the_folder_is_not_followed(address: str, folder: Path) -> None:
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    assert Answer(address, "/link.txt").status == 404


def test_head_has_the_size_and_no_body(address: str, folder: Path) -> None:
    answer = Answer(address, "/main.js", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) == (folder / "main.js").stat().st_size


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_written(address: str, method: str) -> None:
    assert Answer(address, "/main.js", method=method).status == 405


def test_health(address: str) -> None:
    answer = Answer(address, "/health")
    assert answer.status == 200
    assert json.loads(answer.body) == {"status": "ok", "key": False}


def _refused(*arguments: str) -> str:
    """Start the server where it cannot run; returns the one line that it prints."""
    command = [sys.executable, "-m", "proxy", *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


def test_port_in_use_is_one_clear_line(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = _refused("--port", str(port), "--directory", str(folder))
    assert f"port {port} is in use by another program; choose another one: ./build.sh serve --port" in line


def test_folder_without_a_page_is_one_clear_line(tmp_path: Path) -> None:
    line = _refused("--port", "0", "--directory", str(tmp_path))
    assert "holds no index.html; run ./build.sh dist" in line


def test_bad_port_is_refused() -> None:
    command = [sys.executable, "-m", "proxy", "--port", "80801"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 2
    assert "'80801' is not a port number from 0 to 65535" in result.stderr


def test_listens_on_this_machine_only(address: str) -> None:
    assert urlsplit(address).hostname == "127.0.0.1"
    port = urlsplit(address).port
    assert port is not None
    listening = Path("/proc/net/tcp")
    if not listening.exists():
        pytest.skip("only Linux lists its listening sockets in /proc")
    lines = [line.split() for line in listening.read_text(encoding="ascii").splitlines()[1:]]
    assert [
        local for _, local, _, state, *_ in lines if local.endswith(f":{port:04X}") and state == "0A"
    ] == [f"0100007F:{port:04X}"]


def test_a_browser_that_takes_brotli_gets_the_compressed_copy(address: str, folder: Path) -> None:
    answer = Answer(address, "/big.json", headers={"Accept-Encoding": "gzip, deflate, br, zstd"})
    assert answer.headers.get_all("Content-Encoding") == ["br"]
    assert answer.headers.get_all("Content-Type") == ["application/json"]
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.body == (folder / "big.json.br").read_bytes()
    again = {"Accept-Encoding": "br", "If-None-Match": answer.headers["ETag"]}
    unchanged = Answer(address, "/big.json", headers=again)
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert unchanged.headers["Vary"] == "Accept-Encoding"
    assert Answer(address, "/big.json", headers={**again, "Accept-Encoding": "gzip"}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept-Encoding": "gzip"},
        {"Accept-Encoding": "br;q=0, gzip"},
        {"Accept-Encoding": "brotli"},
        {"Accept-Encoding": "br", "Range": "bytes=0-8"},
    ],
)
def test_others_get_the_file_as_it_is(address: str, folder: Path, headers: dict[str, str]) -> None:
    answer = Answer(address, "/big.json", headers=headers)
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Vary"] == "Accept-Encoding"
    whole = (folder / "big.json").read_bytes()
    assert answer.body == (whole[:9] if "Range" in headers else whole)


def test_a_copy_older_than_its_file_is_not_sent(address: str) -> None:
    answer = Answer(address, "/newer.json", headers={"Accept-Encoding": "br"})
    assert "Content-Encoding" not in answer.headers
    assert answer.body == b"{}"


def test_answers_are_sent_at_once(address: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
    times = []
    for _ in range(20):
        began = time.perf_counter()
        connection.request("GET", "/main.js")
        connection.getresponse().read()
        times.append(time.perf_counter() - began)
    connection.close()
    assert min(times) < 0.03, "each answer waits 40 ms for its second packet: Nagle's algorithm is on"
