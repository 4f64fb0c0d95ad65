import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { buildSync } from "esbuild"
import { runWrangler } from "./wrangler.ts"

export interface Bundle {
  /** The one module, as it would be uploaded. */
  file: string
  /** esbuild's account of what is in it, JSON. */
  metafile: string
}

/** The product's Worker as `wrangler deploy` would upload it, into `folder`. Uploads nothing. */
export function bundleProduct(folder: string): Bundle {
  const metafile = join(folder, "bundle-meta.json")
  runWrangler(["deploy", "--dry-run", "--outdir", folder, "--metafile", metafile], folder)
  return { file: join(folder, "index.js"), metafile }
}

/** A Worker of `bench/workers`, into `folder`, bundled with the settings that wrangler has for the product's. */
export function bundleWorker(name: string, folder: string): Bundle {
  const file = join(folder, "index.js")
  const metafile = join(folder, "bundle-meta.json")
  const result = buildSync({
    entryPoints: [fileURLToPath(new URL(`../workers/${name}.ts`, import.meta.url))],
    outfile: file,
    ...{ bundle: true, format: "esm", target: "es2024", minify: true, metafile: true },
    conditions: ["workerd", "worker", "browser"],
  })
  writeFileSync(metafile, JSON.stringify(result.metafile))
  return { file, metafile }
}
