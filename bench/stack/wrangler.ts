import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const PROJECT = fileURLToPath(new URL("../../", import.meta.url))

/** Runs a command of wrangler on this project without any look-up; `folder` is for its own files. Throws its words. */
export function runWrangler(command: string[], folder: string): void {
  const { status, stderr } = spawnSync(
    process.execPath,
    [fileURLToPath(import.meta.resolve("wrangler")), ...command],
    {
      cwd: PROJECT,
      encoding: "utf8",
      env: {
        ...process.env,
        WRANGLER_SEND_METRICS: "false",
        WRANGLER_SEND_ERROR_REPORTS: "false",
        WRANGLER_WRITE_LOGS: "false",
        CLOUDFLARE_CF_FETCH_ENABLED: "false",
        XDG_CONFIG_HOME: join(folder, "config"),
      },
    },
  )
  if (status !== 0) throw new Error(`wrangler ${command.join(" ")}: ${stderr}`)
}
