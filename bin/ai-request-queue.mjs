#!/usr/bin/env node
// The command line: built in a package, as it is in a clone. A Node that cannot run TypeScript starts one that can.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import module, { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const source = new URL("../src/cli/main.ts", import.meta.url)
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
const isOld = major < 22 || (major === 22 && minor < 12)

// Compiling takes longer than most commands do.
module.enableCompileCache?.()
if (!existsSync(source)) await import(new URL("../dist/cli/main.js", import.meta.url).href)
else if (process.features.typescript) await import(source.href)
else {
  const flags = ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"]
  const args = [...flags, fileURLToPath(source), ...process.argv.slice(2)]
  const child = spawn(findNode(), args, { stdio: "inherit" })
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal))
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1)
  })
}

/** This one, or on Linux the one that came with the packages. */
function findNode() {
  if (!isOld) return process.execPath
  try {
    const name = `node-linux-${process.arch}`
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), "bin/node")
  } catch {
    console.error(`ai-request-queue needs Node 22.12 or newer; this is ${process.versions.node}.`)
    process.exit(2)
  }
}
