// Installs wheels in Pyodide, CPython compiled to WebAssembly, and runs a program there:
//
//   node tools/pyodide.mjs FOLDER PROGRAM WHEEL...
//
// FOLDER is where npm has installed the package pyodide.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, program, ...wheels] = process.argv.slice(2);
const installed = createRequire(pathToFileURL(`${folder}/`)).resolve("pyodide/package.json");
const { loadPyodide } = await import(new URL("pyodide.mjs", pathToFileURL(installed)));

try {
  const pyodide = await loadPyodide();
  for (const wheel of wheels) {
    pyodide.unpackArchive(new Uint8Array(await readFile(wheel)), "wheel");
  }
  await pyodide.runPythonAsync(program);
} catch (error) {
  // Uncaught, it would come with the line it was thrown in: a megabyte of generated code.
  console.error(error.message);
  process.exitCode = 1;
}
