// Types of the file that the build puts at runtime/pyodide/.
export * from "pyodide";
