"""The built page: complete, verified, relocatable, and built again only when something changed."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.servers import ROOT
from wasm.build import dist, python_parts, sdk_parts
from wasm.build.assets import read_lock, sha256_of
from wasm.build.js_imports import modules_at_start
from wasm.build.wasm_sections import without_custom_sections
from wasm.build.wheel import build_wheel


def test_build_record_names_every_file_with_its_hash(built_page: Path) -> None:
    record = json.loads((built_page / "build.json").read_text(encoding="utf-8"))
    present = {path.relative_to(built_page).as_posix() for path in built_page.rglob("*") if path.is_file()}
    present = {name for name in present if not name.endswith(".br")}
    assert set(record["files"]) == present - {"build.json", dist.SERVICE_WORKER}
    for name, facts in record["files"].items():
        assert facts == {"bytes": (built_page / name).stat().st_size, "sha256": sha256_of(built_page / name)}
    assert record["wheel"] in record["files"]
    assert record["package"] in record["files"]
    assert record["packages"]["@mujoco/mujoco"] == "3.14.0"


def test_files_of_others_are_the_locked_ones_or_made_from_them(built_page: Path) -> None:
    repacked = python_parts.build(read_lock())
    assert {Path(name).name.split("-")[0] for name in repacked} == {"python_stdlib.zip", "numpy", "pyodide"}
    for asset in read_lock():
        expected = asset.sha256
        if sdk_parts.is_merged(asset):
            assert sha256_of(asset.local_path()) == asset.sha256
            continue
        if asset.destination in repacked:
            expected = sha256_of(repacked[asset.destination])
            assert sha256_of(asset.local_path()) == asset.sha256
        if asset.destination == dist.ENGINE:
            smaller = without_custom_sections(asset.local_path().read_bytes())
            expected = hashlib.sha256(smaller).hexdigest()
        assert sha256_of(built_page / asset.destination) == expected, asset.destination


def test_layout(built_page: Path) -> None:
    for name in (
        "index.html", "main.js", "style.css", "tasks.json", "settings.json", "LICENSE", "NOTICE",
        "runtime/pyodide/pyodide.mjs", "runtime/pyodide/pyodide-lock.json", "runtime/mujoco/mujoco.wasm",
        "models/house_position.xml", "models/house_position.scene.json",
        "kernels/kernels.side.wasm", "kernels/kernels.wasm",
    ):  # fmt: skip
        assert (built_page / name).is_file(), name
    assert not list(built_page.rglob("*.d.ts"))
    assert not list(built_page.rglob("__pycache__"))


class _References(HTMLParser):
    """What a page loads: scripts, style sheets, images."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and ((name == "src") or (name == "href" and tag == "link")):
                self.found.append(value)


def test_page_loads_only_files_of_its_own_by_relative_path(built_page: Path) -> None:
    html = (built_page / "index.html").read_text(encoding="utf-8")
    references = _References()
    references.feed(html)
    import_map = re.search(r'<script type="importmap">(.*?)</script>', html, re.DOTALL)
    mapped = list(json.loads(import_map[1])["imports"].values()) if import_map else []
    urls = [url for url in (*references.found, *mapped) if not url.startswith("data:")]
    for sheet in built_page.glob("*.css"):
        found = re.findall(r"url\(['\"]?([^'\")]+)", sheet.read_text(encoding="utf-8"))
        urls += [url for url in found if not url.startswith("data:")]
    assert urls
    for url in urls:
        assert not re.match(r"(/|[a-z]+:)", url), f"{url} is not relative"
        assert (built_page / url).is_file(), f"{url} is not in dist/"


def test_page_names_the_modules_it_starts_with(built_page: Path) -> None:
    html = (built_page / "index.html").read_text(encoding="utf-8")
    named = re.findall(r'<link rel="modulepreload" href="([^"]+)">', html)
    assert named == modules_at_start(ROOT / "web")
    assert named[0] == "main.js"
    assert "panels/stage.js" in named
    assert not [name for name in named if "three" in name or name.startswith("workers/")]


def test_large_files_have_brotli_copies(built_page: Path) -> None:
    large = [path for path in (built_page / "runtime").rglob("*") if path.suffix in {".wasm", ".zip", ".whl"}]
    # The SDK's compiled wheels come as their makers compressed them; a copy would be as large.
    large = [path for path in large if path.suffix != ".whl" or path.parent.name != "sdk"]
    assert len(large) == 7
    for path in large:
        copy = path.with_name(f"{path.name}.br")
        assert copy.stat().st_size < 0.5 * path.stat().st_size, path.name
        assert copy.stat().st_mtime_ns >= path.stat().st_mtime_ns


def test_every_task_has_its_reward_for_players_without_python(built_page: Path) -> None:
    tasks = json.loads((built_page / "tasks.json").read_text(encoding="utf-8"))["tasks"]
    programs = json.loads((built_page / "rewards.json").read_text(encoding="utf-8"))
    assert set(programs) == {task["id"] for task in tasks}


def test_wheel_is_pure_python_and_reproducible(tmp_path: Path, built_page: Path) -> None:
    first = build_wheel(tmp_path / "first")
    time.sleep(2.1)  # longer than the resolution of dates in a zip file
    second = build_wheel(tmp_path / "second")
    assert first.name == second.name == "tabrl_py-0.1.0-py3-none-any.whl"
    assert first.read_bytes() == second.read_bytes()
    assert (built_page / "wheels" / first.name).read_bytes() == first.read_bytes()
    with ZipFile(first) as archive:
        names = archive.namelist()
    shipped = {name for name in names if name.startswith("tabrl_py/") and name.endswith(".py")}
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tabrl_py").rglob("*.py")}
    assert shipped == sources
    assert not [name for name in names if name.endswith((".so", ".pyd", ".pyc"))]


def test_nothing_is_done_when_nothing_changed(built_page: Path) -> None:
    before = (built_page / "build.json").stat()
    started = time.perf_counter()
    assert dist.build() == built_page
    assert time.perf_counter() - started < 1.5
    after = (built_page / "build.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_locking_the_assets_again_changes_nothing(
    built_page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert built_page.is_dir()
    committed = ROOT / "wasm" / "assets.lock"
    copy = tmp_path / "assets.lock"
    shutil.copyfile(committed, copy)
    monkeypatch.setattr(dist, "ASSETS_LOCK", copy)
    dist.relock_assets()
    assert copy.read_text(encoding="utf-8") == committed.read_text(encoding="utf-8")


def _pinned(lock: str) -> dict[str, str]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", text, re.MULTILINE))


def test_native_and_browser_versions_are_the_same() -> None:
    npm = json.loads((ROOT / "wasm" / "package.json").read_text(encoding="utf-8"))["dependencies"]
    python = _pinned("requirements.lock")
    assert python["mujoco"] == npm["@mujoco/mujoco"]
    (numpy,) = [asset.name for asset in read_lock() if asset.name.startswith("numpy-")]
    assert numpy.split("-")[1] == python["numpy"]


def test_lock_files_agree_and_carry_hashes_but_no_addresses() -> None:
    run, dev = _pinned("requirements.lock"), _pinned("requirements-dev.lock")
    assert set(run) < set(dev)
    assert {name: dev[name] for name in run} == run
    for lock in ("requirements.lock", "requirements-dev.lock", "requirements-models.lock"):
        text = (ROOT / lock).read_text(encoding="utf-8")
        assert "://" not in text
        assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=[a-z])", text)[1:])
    packages = json.loads((ROOT / "wasm" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all("resolved" not in package for package in packages.values())
    assert all("integrity" in package for name, package in packages.items() if name)


def test_project_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    npm = json.loads((ROOT / "wasm" / "package.json").read_text(encoding="utf-8"))
    assert project["version"] == npm["version"]
