// Types alone: what Pyodide calls its proxies of Python objects.
export * from "pyodide/ffi";
