import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { describe, expect, it } from "vitest"
import { PROBLEM_STATUS } from "../../src/core/errors.ts"
import { ERROR_CODES } from "../../src/core/outcome.ts"

const PROJECT = resolve(import.meta.dirname, "../..")
const read = (path: string) => readFileSync(join(PROJECT, path), "utf8")

/** What git has, or would have: a link must not lead to what only this machine holds. */
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: PROJECT,
  encoding: "utf8",
})
  .trim()
  .split("\n")
const documents = files.filter((path) => path.endsWith(".md") && existsSync(join(PROJECT, path)))

describe.each(documents)("%s", (document) => {
  const markdown = read(document)
  const prose = markdown.replace(/^```[\s\S]*?^```/gm, "")

  it("links only to what is there", () => {
    const broken = [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !isThere(document, target))
    expect(broken).toEqual([])
  })

  it("names only npm scripts that exist", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> }
    const named = [...markdown.matchAll(/npm run ([a-z][\w:-]*)/g)].map(([, name = ""]) => name)
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })

  it("shows examples as they are, where it says so", () => {
    const shown = [...markdown.matchAll(/<!-- (examples\/\S+) -->\n+```\w*\n([\s\S]*?)^```/gm)]
    const stale = shown
      .filter(([, path = "", code = ""]) => !withoutIndent(read(path)).includes(withoutIndent(code)))
      .map(([, path]) => path)
    expect(stale).toEqual([])
  })
})

function isThere(document: string, target: string): boolean {
  const [path = "", anchor] = target.split("#")
  const file = path === "" ? document : join(dirname(document), path)
  if (!existsSync(join(PROJECT, file))) return false
  return anchor === undefined || !file.endsWith(".md") || anchorsOf(read(file)).includes(anchor)
}

/** As GitHub makes them. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-"),
  )
}

function withoutIndent(code: string): string {
  return code.replace(/^\s+/gm, "").trim()
}

describe("the settings", () => {
  /** Every variable that the source asks its environment for. */
  const source = files
    .filter((path) => /^src\/core\/config[^/]*\.ts$/.test(path))
    .map(read)
    .join("\n")
  const vendors = ["OPENAI", "ANTHROPIC", "DEEPSEEK"]
  const variables = [
    ...new Set([
      ...[...source.matchAll(/"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"/g)].map(([, name = ""]) => name),
      ...[...source.matchAll(/\bvariable = "([A-Z_]+)"/gi)].map(([, name = ""]) => name),
      ...[...source.matchAll(/^ {2}([A-Z][A-Z_]+): \[/gm)].map(([, name = ""]) => name),
      ...vendors.flatMap((vendor) => [`${vendor}_API_KEY`, `${vendor}_BASE_URL`]),
    ]),
  ].filter((name) => name !== "GROQ_API_KEY")

  it("are found in the source", () => {
    for (const name of [
      "ADMIN_API_KEY",
      "SUBREQUEST_LIMIT",
      "ROUTES",
      "MAX_PENDING",
      "CORS_ORIGINS",
      "QUEUE_NAME",
    ]) {
      expect(variables).toContain(name)
    }
  })

  it.each(["docs/operations.md", ".dev.vars.example"])("all stand in %s", (path) => {
    const text = read(path)
    expect(variables.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([])
  })

  it("have the defaults that docs/operations.md and .dev.vars.example tell", () => {
    const defaults = [...source.matchAll(/^ {2}([A-Z][A-Z_]+): \[([\d_]+),/gm)].map(
      ([, name = "", value = ""]) => [name, value.replaceAll("_", "")] as const,
    )
    expect(defaults.length).toBeGreaterThan(10)
    const operations = read("docs/operations.md")
    const example = read(".dev.vars.example")
    const wrong = defaults.filter(
      ([name, value]) =>
        !new RegExp(`^\\| \`${name}\` \\| ${value} \\|`, "m").test(operations) ||
        !new RegExp(`^# ${name}=${value}$`, "m").test(example),
    )
    expect(wrong).toEqual([])
  })
})

describe("docs/operations.md", () => {
  it("explains every error code", () => {
    const text = read("docs/operations.md")
    const codes = [...Object.keys(PROBLEM_STATUS), ...ERROR_CODES]
    expect(codes.filter((code) => !text.includes(`\`${code}\``))).toEqual([])
  })

  it("tells every log line", () => {
    const source = files
      .filter((path) => /^src\/.*(?<!\.generated)\.tsx?$/.test(path))
      .map(read)
      .join("\n")
    const calls = [...source.matchAll(/(?:[lL]og\??\.(?:info|warn|error)|[lL]og\?\.\[level\])\(([^{)]*)/g)]
    const events = calls
      .flatMap(([, args = ""]) => [...args.matchAll(/"([a-z_]+)"/g)])
      .map(([, name = ""]) => name)
    expect(events).toEqual(expect.arrayContaining(["attempt", "alert_firing", "command_budget", "stored"]))
    const [, table = ""] = /^## Log lines\n([\s\S]*?)^## /m.exec(read("docs/operations.md")) ?? []
    const told = [...table.matchAll(/^\| (`.*?) \| /gm)].flatMap(([, names = ""]) => names.split(", "))
    expect(events.filter((event) => !told.includes(`\`${event}\``))).toEqual([])
  })
})
