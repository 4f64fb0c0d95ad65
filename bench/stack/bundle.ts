import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { buildSync } from "esbuild"

const PROJECT = fileURLToPath(new URL("../../", import.meta.url))

export interface Bundle {
  /** The one module, as it would be uploaded. */
  file: string
  /** esbuild's account of what is in it, JSON. */
  metafile: string
}

/** The product's Worker as `wrangler deploy` would upload it, into `folder`. Looks nothing up and uploads nothing. */
export function bundleProduct(folder: string): Bundle {
  const metafile = join(folder, "bundle-meta.json")
  const command = ["deploy", "--dry-run", "--outdir", folder, "--metafile", metafile]
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
  if (status !== 0) throw new Error(`wrangler deploy --dry-run: ${stderr}`)
  return { file: join(folder, "index.js"), metafile }
}

/** A Worker of the benchmarks, into `folder`, bundled with the settings that wrangler has for the product's. */
export function bundleWorker(entry: URL, folder: string): Bundle {
  const file = join(folder, "index.js")
  const metafile = join(folder, "bundle-meta.json")
  const result = buildSync({
    entryPoints: [fileURLToPath(entry)],
    outfile: file,
    ...{ bundle: true, format: "esm", target: "es2024", minify: true, metafile: true },
    conditions: ["workerd", "worker", "browser"],
  })
  writeFileSync(metafile, JSON.stringify(result.metafile))
  return { file, metafile }
}
