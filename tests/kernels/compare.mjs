// Runs a Python script in Pyodide on the side module, which the script finds at /kernels.so, and on this checkout's
// tabrl_py. Arguments: the built page's folder, the side module, the checkout, the script.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [page, module, checkout, script] = process.argv.slice(2);
const runtime = join(page, "runtime", "pyodide");
const { loadPyodide } = await import(pathToFileURL(join(runtime, "pyodide.mjs")).href);
const pyodide = await loadPyodide({ indexURL: runtime });
await pyodide.loadPackage("numpy", { messageCallback: () => {} });
pyodide.FS.writeFile("/kernels.so", readFileSync(module));
pyodide.mountNodeFS("/checkout", checkout);
pyodide.runPython(readFileSync(script, "utf8"));
process.exit(0);
