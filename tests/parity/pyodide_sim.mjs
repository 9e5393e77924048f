// Runs a Python script in Pyodide beside MuJoCo, as the page's worker does; the script finds `engine` and `striding`
// (createSim without and with the compiled functions),
// `tasks_xml(model)` and prints JSON. Arguments: the built page's folder, a folder for its modules, the script.
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [page, folder, script] = process.argv.slice(2);
cpSync(join(page, "workers"), join(folder, "workers"), { recursive: true });
cpSync(join(page, "runtime"), join(folder, "runtime"), { recursive: true });
writeFileSync(join(folder, "package.json"), '{"type": "module"}');
const load = (path) => import(pathToFileURL(join(folder, path)).href);

const { loadPyodide } = await load("runtime/pyodide/pyodide.mjs");
const { default: loadMujoco } = await load("runtime/mujoco/mujoco.js");
const { PythonSim } = await load("workers/python_sim.js");
const mujoco = await loadMujoco();
const pyodide = await loadPyodide({
  indexURL: join(folder, "runtime", "pyodide"),
  env: { HOME: "/home/pyodide", TABRL_KERNELS: "/kernels.so" },
});
pyodide.FS.writeFile("/kernels.so", readFileSync(join(page, "kernels", "kernels.side.wasm")));
await pyodide.loadPackage("numpy", { messageCallback: () => {} });
const { wheel } = JSON.parse(readFileSync(join(page, "build.json"), "utf8"));
pyodide.unpackArchive(new Uint8Array(readFileSync(join(page, wheel))), "wheel");
pyodide.globals.set("engine", { createSim: (...given) => new PythonSim(mujoco, ...given) });
const kernelAt = (number) => pyodide._module.getWasmTableEntry(number);
pyodide.globals.set("striding", { createSim: (...given) => new PythonSim(mujoco, ...given, kernelAt) });
pyodide.globals.set("model_xml", (name) => readFileSync(join(page, "models", `${name}.xml`), "utf8"));
pyodide.runPython(readFileSync(script, "utf8"));
process.exit(0);
