import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { unstable_getVarsForDev as readAsWrangler } from "wrangler"
import { keepAdminKey, readDevVars, writeEnvFile } from "../../dev/dev-vars.ts"

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "aiq-vars-"))
})
afterEach(() => rmSync(root, { recursive: true }))

describe("the Worker's variables", () => {
  it("arrive in wrangler as they are, whatever stands in them", () => {
    const vars = {
      PLAIN: "value",
      DOLLAR: `$HOME \${HOME} a$b $`,
      QUOTES: `it's "quoted"`,
      JSON: '[{"name": "groq", "note": "a # b"}]',
      SPACES: "  kept  ",
      BACKSLASH: "a\\nb \\$c",
      LINES: "one\ntwo",
      AFTER: "the last",
    }
    const file = join(root, "worker.env")
    writeEnvFile(file, vars)
    const read = readAsWrangler(join(root, "wrangler.toml"), [file], {}, undefined, true)
    expect(
      Object.fromEntries(
        Object.entries(read).map(([name, binding]) => [name, Reflect.get(binding, "value")]),
      ),
    ).toEqual(vars)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it.each(["'`\"", "ends with \\"])(
    "are refused, by name alone, when the format cannot hold them: %s",
    (value) => {
      const write = () => writeEnvFile(join(root, "worker.env"), { TOKEN: value })
      expect(write).toThrow(/^TOKEN: cannot hold/)
      expect(write).not.toThrow(value)
    },
  )
})

describe("a generated admin key", () => {
  const file = () => join(root, ".dev.vars")

  it("is kept in a private file of its own", () => {
    expect(keepAdminKey(root, "the-first-key-of-all")).toBe("the-first-key-of-all")
    expect(readDevVars(root)).toEqual({ ADMIN_API_KEY: "the-first-key-of-all" })
    expect(statSync(file()).mode & 0o777).toBe(0o600)
  })

  it("is appended to what stands there, and replaces no key", () => {
    writeFileSync(file(), "# note\nADMIN_API_KEY=\nPORT=9000", { mode: 0o644 })
    keepAdminKey(root, "the-first-key-of-all")
    expect(readFileSync(file(), "utf8")).toMatch(/^# note\nADMIN_API_KEY=\nPORT=9000\n# The bootstrap/)
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    expect(keepAdminKey(root, "another-key-that-came-late")).toBe("the-first-key-of-all")
    expect(readDevVars(root)).toEqual({ ADMIN_API_KEY: "the-first-key-of-all", PORT: "9000" })
  })
})
