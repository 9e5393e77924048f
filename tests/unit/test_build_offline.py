"""What the build writes for browsers that keep the page: its version, a web app's manifest, its icons."""

from __future__ import annotations

import json
import struct
from hashlib import sha256
from pathlib import Path

from wasm.build import dist


def test_the_service_worker_names_the_version_of_all_files(built_page: Path) -> None:
    record = json.loads((built_page / "build.json").read_text(encoding="utf-8"))
    assert record["content"] == sha256(json.dumps(record["files"], sort_keys=True).encode()).hexdigest()
    worker = (built_page / dist.SERVICE_WORKER).read_text(encoding="utf-8")
    assert worker.count(record["content"]) == 1


def test_the_manifest_has_relative_addresses_and_icons_of_the_sizes_it_says(built_page: Path) -> None:
    manifest = json.loads((built_page / "manifest.webmanifest").read_text(encoding="utf-8"))
    assert manifest["start_url"] == manifest["scope"] == "."
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        data = (built_page / icon["src"]).read_bytes()
        if icon["type"] == "image/png":
            # https://www.w3.org/TR/png/#11IHDR: width and height, big-endian, are the header's first numbers.
            width, height = struct.unpack(">II", data[16:24])
            assert icon["sizes"] == f"{width}x{height}"
