/**
 * Builds the package into `dist/`, with a manifest of its own: what only the Worker or its development needs stays out.
 * Publish it with `npm publish ./dist`.
 */
import { spawnSync } from "node:child_process"
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import manifest from "../package.json" with { type: "json" }

const ROOT = new URL("../", import.meta.url)
const DIST = new URL("dist/", ROOT)
/** What the package imports, of `hono` only types; the rest is the Worker's. */
const DEPENDENCIES = ["cli-table3", "commander", "hono", "log-update", "zod"] as const

rmSync(DIST, { recursive: true, force: true })
compile()
await inlineHttpClient()
makeExecutable()
writeManifest()
for (const file of ["README.md", "LICENSE", "CHANGELOG.md"]) {
  copyFileSync(new URL(file, ROOT), new URL(file, DIST))
}

function compile(): void {
  const compiler = fileURLToPath(import.meta.resolve("typescript/package.json")).replace(
    "package.json",
    "bin/tsc",
  )
  const { status } = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], {
    cwd: ROOT,
    stdio: "inherit",
  })
  if (status !== 0) process.exit(status ?? 1)
}

/** The one file that reaches into a dependency by path: `docs/decisions/005-only-the-http-client.md`. */
async function inlineHttpClient(): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL("src/queue/upstash-http.mjs", ROOT))],
    outfile: fileURLToPath(new URL("queue/upstash-http.mjs", DIST)),
    ...{ bundle: true, format: "esm", platform: "neutral", target: "es2022", legalComments: "inline" },
    // It imports what only functions need that the queue does not use.
    plugins: [
      {
        name: "unused-imports",
        setup: ({ onResolve }) =>
          onResolve({ filter: /^uncrypto$/ }, ({ path }) => ({ path, external: true, sideEffects: false })),
      },
    ],
  })
}

function makeExecutable(): void {
  const main = new URL("cli/main.js", DIST)
  writeFileSync(main, `#!/usr/bin/env node\n${readFileSync(main, "utf8")}`, { mode: 0o755 })
}

function writeManifest(): void {
  const { name, version, description, license, type, engines, exports: entries } = manifest
  const inDist = JSON.parse(JSON.stringify(entries).replaceAll("./dist/", "./"))
  const dependencies = Object.fromEntries(DEPENDENCIES.map((name) => [name, manifest.dependencies[name]]))
  const content = {
    ...{ name, version, description, license, type, engines, sideEffects: false },
    ...{ exports: inDist, bin: { "ai-request-queue": "./cli/main.js" }, dependencies },
  }
  writeFileSync(new URL("package.json", DIST), `${JSON.stringify(content, null, 2)}\n`)
}
