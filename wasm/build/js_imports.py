"""Checks on the imports of the page's JavaScript: no cycles, no missing files, page and workers kept apart.

Code of the page and code of the workers run in different threads and share nothing but the message types of
`protocol.d.ts`, so a module of `web/workers/` is imported only from there.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from wasm.build.assets import read_lock
from wasm.build.paths import ROOT

IMPORT_MAP = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)
COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)
IMPORT = re.compile(
    # In turn: import a from "b"; import "b"; import("b").
    r"""
    (?: ^ | [;\n] ) \s* (?: import | export ) \b [^'"();]*? \b from \s* ["'] ([^"'\n]+) ["']
    | (?: ^ | [;\n] ) \s* import \s* ["'] ([^"'\n]+) ["']
    | (?<! [.\w] ) import \s* \( \s* ["'] ([^"'\n]+) ["']
    """,
    re.VERBOSE,
)


def imports_of(source: str) -> list[str]:
    """The specifiers that a module imports, statically or by `import("...")`; comments do not count."""
    return [next(filter(None, groups)) for groups in IMPORT.findall(COMMENT.sub("", source))]


def static_imports_of(source: str) -> list[str]:
    """The specifiers without which a module does not start."""
    found = IMPORT.findall(COMMENT.sub("", source))
    return [static or bare for static, bare, _ in found if static or bare]


def modules_at_start(web: Path, first: str = "main.js") -> list[str]:
    """The modules that must be there before `first` runs, itself included, nearest first."""
    mapped = import_map(web)
    found = [first]
    for module in found:
        path = web / module
        for name in static_imports_of(path.read_text(encoding="utf-8")):
            target = _resolve(path, name, web, mapped)
            if target not in found:
                found.append(target)
    return found


def import_graph(web: Path) -> dict[str, list[str]]:
    """Module path -> paths it imports, both relative to `web`, for every `.js` file below it."""
    mapped = import_map(web)
    graph: dict[str, list[str]] = {}
    for path in sorted(web.rglob("*.js")):
        found = imports_of(path.read_text(encoding="utf-8"))
        graph[path.relative_to(web).as_posix()] = [_resolve(path, name, web, mapped) for name in found]
    return graph


def import_map(web: Path) -> dict[str, str]:
    """The bare names that `index.html` maps to files of the page; empty without a page."""
    page = web / "index.html"
    found = IMPORT_MAP.search(page.read_text(encoding="utf-8")) if page.is_file() else None
    imports: dict[str, str] = json.loads(found[1])["imports"] if found else {}
    return {name: target.removeprefix("./") for name, target in imports.items()}


def _resolve(path: Path, specifier: str, web: Path, mapped: dict[str, str]) -> str:
    """A path relative to `web`, or the specifier as it is (workers have no import map)."""
    if not specifier.startswith("."):
        in_worker = _is_worker(path.relative_to(web).as_posix())
        return specifier if in_worker else mapped.get(specifier, specifier)
    target = Path(str(path.parent / specifier)).resolve()
    return target.relative_to(web.resolve()).as_posix() if target.is_relative_to(web.resolve()) else specifier


def problems(graph: dict[str, list[str]], shipped: set[str]) -> Iterator[str]:
    """One line for each thing wrong with the graph; `shipped` are files that the build adds beside `web/`."""
    for module, targets in graph.items():
        for target in targets:
            if target not in graph and target not in shipped:
                yield f"web/{module} imports {target!r}, which is neither in web/ nor in wasm/assets.lock"
            elif target in graph and _is_worker(target) != _is_worker(module):
                yield f"web/{module} imports web/{target}: page and worker code may share only protocol.d.ts"
    for cycle in cycles(graph):
        yield "import cycle: " + " -> ".join(f"web/{module}" for module in cycle)


def _is_worker(module: str) -> bool:
    return module.startswith("workers/")


def cycles(graph: dict[str, list[str]]) -> list[list[str]]:
    """Each cycle found by depth-first search, as the modules along it with the first repeated at the end."""
    found: list[list[str]] = []
    finished: set[str] = set()

    def visit(module: str, trail: list[str]) -> None:
        if module in trail:
            found.append([*trail[trail.index(module) :], module])
        elif module not in finished:
            for target in graph.get(module, []):
                visit(target, [*trail, module])
            finished.add(module)

    for module in graph:
        visit(module, [])
    return found


def main() -> int:
    """Check `web/`; prints the problems and returns how the process should end."""
    shipped = {asset.destination for asset in read_lock()}
    found = list(problems(import_graph(ROOT / "web"), shipped))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
