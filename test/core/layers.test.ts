import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"

// The table of `docs/architecture.md`: what each part of `src` may import from `src`.
const MAY_IMPORT: Record<string, string[]> = {
  core: [],
  auth: ["core"],
  queue: ["core"],
  providers: ["core"],
  drain: ["core", "queue", "providers"],
  webhooks: ["core", "queue"],
  tracing: ["core"],
  http: ["core", "auth", "queue"],
  library: ["core", "compose"],
  worker: ["core", "compose", "node"],
  client: ["core"],
  cli: ["core", "client", "node"],
  dashboard: ["client"],
  compose: ["core", "auth", "queue", "providers", "drain", "webhooks", "tracing", "http"],
  index: ["compose", "http", "lane"],
}
const PARTS = Object.keys(MAY_IMPORT)
const PROJECT = resolve(import.meta.dirname, "../..")
const BIOME = join(PROJECT, "node_modules/@biomejs/biome/bin/biome")

const isFile = (part: string) => part === "compose" || part === "index"
const probeOf = (part: string) => (isFile(part) ? `src/${part}.ts` : `src/${part}/deep/probe.ts`)

/** Something to import → how `part` would write it. */
function importsOf(part: string): Map<string, string> {
  const up = isFile(part) ? "./" : "../../"
  const others = PARTS.filter((each) => each !== part)
  return new Map([
    ...others.map((each): [string, string] => [each, up + (isFile(each) ? `${each}.ts` : `${each}/some.ts`)]),
    ...["dev", "bench", "test", "examples"].map((each): [string, string] => [
      each,
      `${up}../${each}/some.ts`,
    ]),
    ...(part === "index" ? ([["lane", "./drain/lane.ts"]] as const) : []),
    ["node", "node:fs"],
  ])
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aiq-layers-"))
  const { $schema: _, vcs: __, ...config } = JSON.parse(readFileSync(join(PROJECT, "biome.json"), "utf8"))
  writeFileSync(join(folder, "biome.json"), JSON.stringify(config))
  for (const part of PARTS) {
    mkdirSync(dirname(join(folder, probeOf(part))), { recursive: true })
    const lines = [...importsOf(part).values()].map((path) => `import "${path}"`)
    writeFileSync(join(folder, probeOf(part)), lines.join("\n"))
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it("the linter refuses each import that the table of layers does not allow, and no other", () => {
  const only = ["--only=style/noRestrictedImports", "--only=correctness/noNodejsModules"]
  const options = ["lint", "--reporter=json", "--max-diagnostics=none", ...only]
  const { stdout } = spawnSync(process.execPath, [BIOME, ...options], { cwd: folder, encoding: "utf8" })
  const { diagnostics } = JSON.parse(stdout) as {
    diagnostics: { severity: string; location: { path: string; start: { line: number } } }[]
  }
  const refused = Object.fromEntries(
    PARTS.map((part) => {
      const lines = diagnostics
        .filter(({ severity, location }) => severity === "error" && location.path === probeOf(part))
        .map(({ location }) => location.start.line)
      return [part, [...importsOf(part).keys()].filter((_, i) => lines.includes(i + 1))]
    }),
  )
  const expected = Object.fromEntries(
    PARTS.map((part) => {
      const forbidden = [...importsOf(part).keys()].filter((each) => !MAY_IMPORT[part]?.includes(each))
      return [part, forbidden]
    }),
  )
  expect(refused).toEqual(expected)
})
