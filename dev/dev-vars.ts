import { randomBytes } from "node:crypto"
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseEnv } from "node:util"

/** For whoever may read `.dev.vars` and the Worker's variables: nobody else. */
const PRIVATE = 0o600

/** The variables in `<root>/.dev.vars`; none when there is no such file. */
export function readDevVars(root: string): Record<string, string> {
  const file = join(root, ".dev.vars")
  return existsSync(file) ? (parseEnv(readFileSync(file, "utf8")) as Record<string, string>) : {}
}

export function generateAdminKey(): string {
  return `dev-${randomBytes(24).toString("base64url")}`
}

/**
 * Adds a generated admin key to `<root>/.dev.vars`, which from then on is private; what stands there stays.
 * Returns the key that holds afterwards: another stack that started at the same moment may have been first.
 */
export function keepAdminKey(root: string, adminApiKey: string): string {
  const kept = readDevVars(root).ADMIN_API_KEY
  if (kept) return kept
  const file = join(root, ".dev.vars")
  const before = existsSync(file) ? readFileSync(file, "utf8") : ""
  const separator = before === "" || before.endsWith("\n") ? "" : "\n"
  const comment = "# The bootstrap key of the local stack, made by `npm start`."
  writeFileSync(file, `${separator}${comment}\nADMIN_API_KEY=${adminApiKey}\n`, { flag: "a", mode: PRIVATE })
  chmodSync(file, PRIVATE)
  return adminApiKey
}

/**
 * Writes variables where only we can read them, for `wrangler dev --env-file`: a secret on a command line would
 * show in `ps`. Throws a `RangeError` for a value that the format cannot hold.
 */
export function writeEnvFile(file: string, vars: Record<string, string>): void {
  const lines = Object.entries(vars).map(([name, value]) => `${name}=${quote(name, value)}\n`)
  writeFileSync(file, lines.join(""), { mode: PRIVATE })
  chmodSync(file, PRIVATE)
}

/** wrangler reads quotes as dotenv does, then expands `$NAME` also inside single quotes. */
function quote(name: string, value: string): string {
  const mark = ["'", "`", '"'].find((each) => !value.includes(each))
  if (mark === undefined || value.endsWith("\\") || (mark === '"' && value.includes("\\"))) {
    throw new RangeError(`${name}: cannot hold all three kinds of quotes, nor end with a backslash`)
  }
  return mark + value.replaceAll("$", "\\$") + mark
}
