"""The check of JavaScript imports, on small modules of every wrong kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from wasm.build.js_imports import cycles, import_graph, imports_of, modules_at_start, problems

SOURCE = """
// import { a } from "./commented.js";
/** @import {Frame} from "./types.js" */
import { b } from "./b.js";
import "./effect.js";
import * as THREE from 'three';
import {
  c,
  d,
} from "./views/c.js";
export { e } from "../e.js";
const lazy = await import("./lazy.js");
button.import('Policy'); say("the last import '" + name + "'");
const text = 'copied from "./not_an_import.js"';
export const f = 1;
"""


def test_every_kind_of_import_is_seen_and_comments_are_not() -> None:
    assert imports_of(SOURCE) == ["./b.js", "./effect.js", "three", "./views/c.js", "../e.js", "./lazy.js"]


def test_what_a_module_starts_with_leaves_out_what_it_loads_later(tmp_path: Path) -> None:
    modules = {
        "main.js": 'import { a } from "./a.js";\nconst late = () => import("./late.js");\n',
        "a.js": 'export { b } from "./b.js";\nimport "./main_words.js";\n',
        "b.js": "export const b = 1;\n",
        "main_words.js": 'import { b } from "./b.js";\n',
        "late.js": 'import "./b.js";\n',
    }
    for name, source in modules.items():
        (tmp_path / name).write_text(source)
    assert modules_at_start(tmp_path) == ["main.js", "a.js", "b.js", "main_words.js"]


def _page(folder: Path, **modules: str) -> Path:
    for name, source in modules.items():
        path = folder / f"{name.replace('__', '/')}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    return folder


def test_good_page_has_no_problems(tmp_path: Path) -> None:
    page = '<script type="importmap">{"imports": {"three": "./vendor/three.js"}}</script>'
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    web = _page(
        tmp_path,
        main='import "./views/stage.js";',
        views__stage='import "three";\nexport const a = 1;',
        workers__one='import "./two.js"; import "../vendor/three.js";',
        workers__two="export const b = 1;",
    )
    graph = import_graph(web)
    assert graph["views/stage.js"] == ["vendor/three.js"]
    assert list(problems(graph, {"vendor/three.js"})) == []
    assert list(problems(graph, set())) != []


@pytest.mark.parametrize(
    ("modules", "expected"),
    [
        ({"main": 'import "./gone.js";'}, "web/main.js imports 'gone.js', which is neither in web/"),
        ({"workers__a": 'import "three";'}, "web/workers/a.js imports 'three', which is neither in web/"),
        ({"main": 'import "../../outside.js";'}, "imports '../../outside.js', which is neither in web/"),
        (
            {"main": 'import "./workers/a.js";', "workers__a": "export const a = 1;"},
            "web/main.js imports web/workers/a.js: page and worker code may share only protocol.d.ts",
        ),
        (
            {"a": 'import "./b.js";', "b": 'import "./c.js";', "c": 'import "./b.js";'},
            "import cycle: web/b.js -> web/c.js -> web/b.js",
        ),
        ({"a": 'import "./a.js";'}, "import cycle: web/a.js -> web/a.js"),
    ],
)
def test_problem_is_named(tmp_path: Path, modules: dict[str, str], expected: str) -> None:
    found = list(problems(import_graph(_page(tmp_path, **modules)), set()))
    assert len(found) == 1
    assert expected in found[0]


def test_a_diamond_is_no_cycle() -> None:
    assert cycles({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}) == []
