"""Finding browsers, and installing them where there are none: stand-in installers, a real search."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from wasm.build import browser, console
from wasm.build.errors import BuildError

MAKES_A_BROWSER = """\
[ "$1" = install ] || exit 0
printf '#!/bin/sh\\n' > "{folder}/{program}"
chmod 755 "{folder}/{program}"
"""


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs on a machine that has no browser."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "chmod"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    for variable in ("TABRL_CHROMIUM", "TABRL_FIREFOX"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(browser, "MAC_APPLICATIONS", ())
    monkeypatch.setattr(browser, "FIREFOX_MAC_APPLICATIONS", ())
    monkeypatch.setattr(console, "CACHE", tmp_path / ".cache")
    monkeypatch.setattr(console, "ROOT", tmp_path)
    return folder


def _program(path: Path, script: str = "") -> str:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_a_bare_machine_has_none(bare: Path) -> None:
    assert bare.is_dir()
    assert browser.find_chromium() is None
    assert browser.find_firefox() is None


def test_the_systems_browser_is_found(bare: Path) -> None:
    chrome = _program(bare / "google-chrome")
    assert browser.find_chromium() == chrome
    chromium = _program(bare / "chromium")
    assert browser.find_chromium() == chromium
    firefox = _program(bare / "firefox")
    assert browser.find_firefox() == browser.require_firefox() == firefox
    esr = _program(bare / "firefox-esr")
    assert browser.find_firefox() == esr


def test_the_users_choice_comes_first(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(bare / "chromium")
    chosen = _program(tmp_path / "my-browser")
    monkeypatch.setenv("TABRL_CHROMIUM", chosen)
    assert browser.find_chromium() == chosen


def test_a_wrong_choice_is_named(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABRL_CHROMIUM", str(bare / "gone"))
    with pytest.raises(
        BuildError, match="gone does not exist; name a Chromium program or unset the variable"
    ):
        browser.find_chromium()
    monkeypatch.setenv("TABRL_FIREFOX", str(bare / "gone"))
    with pytest.raises(BuildError, match=r"TABRL_FIREFOX=.*gone does not exist; name a Firefox program"):
        browser.find_firefox()


def test_where_firefox_cannot_be_installed_the_reason_is_told(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(
        BuildError, match="there is no Firefox; install Firefox yourself, or set TABRL_FIREFOX"
    ):
        browser.require_firefox()
    assert not list(bare.glob("firefox*"))


needs_root_on_debian = pytest.mark.skipif(
    os.geteuid() != 0 or not browser._is_debian(), reason="packages are installed as root on Debian"
)


@needs_root_on_debian
def test_debians_package_is_installed_when_root(bare: Path) -> None:
    _program(bare / "apt-get", MAKES_A_BROWSER.format(folder=bare, program="chromium"))
    assert browser.require_chromium() == str(bare / "chromium")
    _program(bare / "apt-get", MAKES_A_BROWSER.format(folder=bare, program="firefox-esr"))
    assert browser.require_firefox() == str(bare / "firefox-esr")


@needs_root_on_debian
def test_failed_installation_is_one_line_that_says_what_to_do(bare: Path) -> None:
    _program(bare / "apt-get", "echo 'E: Temporary failure in name resolution'; exit 100")
    with pytest.raises(BuildError) as caught:
        browser.require_chromium()
    message = str(caught.value)
    assert "\n" not in message
    assert "there is no Chromium for the browser tests and none could be installed" in message
    assert "cannot be reached" in message
    assert message.endswith("install Chromium or Chrome yourself, or set TABRL_CHROMIUM to its program")
    with pytest.raises(BuildError, match=r"there is no Firefox and none could be installed: .*reached"):
        browser.require_firefox()
