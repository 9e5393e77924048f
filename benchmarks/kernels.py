"""The compiled kernels beside NumPy, in Pyodide and natively: `./build.sh bench kernels`.

Products in GFLOP/s, the best of 40 short tries. A whole PPO update (72-64-32-21 actor, critic alike, 8 192
samples, 10 epochs, minibatch 1 024) by the kernels and by NumPy in turn, the best of 5 of each; the kernels
do it in 8 shards, as training does, NumPy in one, with which it is faster. One vector step of acting for 32
robots, the median. Pyodide runs in a worker of headless Chromium.
"""

import base64
import json
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks import _results
from benchmarks._kernels_measured import measure
from tests.conftest import CHROMIUM_FLAGS
from tests.servers import served_plainly
from wasm.build import browser as chromium_finder
from wasm.build import dist, kernels

ROOT = Path(__file__).resolve().parents[1]
REPEATS = 5
ASKED = ("gflops_4096x72x64", "gflops_1024x256x256", "update_over_numpy")
"""Figures of the last line; the table and the results have all."""
SCRIPT = """
import json, sys
sys.path.insert(0, "/checkout")
from pathlib import Path
from benchmarks._kernels_measured import measure
from importlib.metadata import version
versions = {{"python": sys.version.split()[0], "numpy": version("numpy")}}
json.dumps({{"figures": measure(Path("/kernels.so"), {repeats}), "versions": versions}})
"""
WORKER = """onmessage = async ({ data }) => {
  try {
    const { loadPyodide } = await import(`${data.runtime}pyodide.mjs`);
    const pyodide = await loadPyodide({ indexURL: data.runtime });
    await pyodide.loadPackage("numpy", { messageCallback: () => {} });
    const { FS } = pyodide;
    FS.writeFile("/kernels.so", Uint8Array.from(atob(data.module), (c) => c.charCodeAt(0)));
    for (const [name, text] of Object.entries(data.files)) {
      FS.mkdirTree(`/checkout/${name.slice(0, name.lastIndexOf("/"))}`);
      FS.writeFile(`/checkout/${name}`, text);
    }
    postMessage({ report: pyodide.runPython(data.script) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};"""
RUN = """(given) => new Promise((resolve, reject) => {
  const source = URL.createObjectURL(new Blob([given.worker], { type: "text/javascript" }));
  const worker = new Worker(source, { type: "module" });
  worker.onmessage = ({ data }) => data.error ? reject(new Error(data.error)) : resolve(data.report);
  worker.onerror = (event) => reject(new Error(event.message));
  worker.postMessage(given);
})"""


def measure_in_chromium(page_folder: Path, repeats: int) -> dict[str, Any]:
    """Figures and versions of Pyodide in a worker of headless Chromium, with the page's own kernels."""
    module = page_folder / "kernels" / kernels.SIDE_MODULE
    packages = [ROOT / "tabrl_py", ROOT / "benchmarks"]
    files = [file for package in packages for file in sorted(package.rglob("*.py"))]
    given = {
        "files": {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files},
        "module": base64.b64encode(module.read_bytes()).decode(),
        "script": SCRIPT.format(repeats=repeats),
        "worker": WORKER,
    }
    chromium = chromium_finder.require_chromium()
    with served_plainly(page_folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        page = browser.new_page()
        page.goto(f"{address}settings.json")
        text = page.evaluate(RUN, {**given, "runtime": f"{address}runtime/pyodide/"})
        found: dict[str, Any] = json.loads(text)
        found["versions"]["chromium"] = browser.version
        browser.close()
    return found


def main() -> None:
    """Measure, print a table and a line of JSON, keep both."""
    folder = kernels.build()
    page = dist.build()
    found = measure_in_chromium(page, REPEATS)
    pyodide = found["figures"]
    native = measure(folder / kernels.NATIVE, REPEATS)
    lines = ["| figure | Pyodide in Chromium | native |", "|---|---|---|"]
    lines += [f"| {name} | {pyodide[name]:.4g} | {native[name]:.4g} |" for name in pyodide]
    table = "\n".join(lines) + "\n"
    print(table)
    table += f"\nIn the page: {', '.join(f'{name} {text}' for name, text in found['versions'].items())}.\n"
    record = {"figures": pyodide, "native": native, "versions": found["versions"]}
    _results.write("kernels", "./build.sh bench kernels", table, record)
    print(json.dumps({"bench": "kernels", "figures": {k: float(f"{pyodide[k]:.4g}") for k in ASKED}}))


if __name__ == "__main__":
    main()
