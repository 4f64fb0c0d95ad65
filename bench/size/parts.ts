import { readFileSync } from "node:fs"
import { gzipSync } from "node:zlib"
import type { Table } from "../section.ts"
import type { Bundle } from "../stack/bundle.ts"

export interface Sizes {
  minified: number
  gzipped: number
}

/** Of esbuild's metafile, what is needed here. */
interface Metafile {
  outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }>
}

export function sizesOf({ file }: Bundle): Sizes {
  const bytes = readFileSync(file)
  return { minified: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length }
}

/** Packages, folders of `src` and the scripts, the largest first. */
export function partsTable(bundle: Bundle): Table {
  const { outputs } = JSON.parse(readFileSync(bundle.metafile, "utf8")) as Metafile
  const parts = new Map<string, number>()
  for (const { inputs } of Object.values(outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      parts.set(partOf(path), (parts.get(partOf(path)) ?? 0) + bytesInOutput)
    }
  }
  const total = sizesOf(bundle).minified
  const largest = [...parts].filter(([, bytes]) => bytes > 0).toSorted(([, a], [, b]) => b - a)
  return {
    title: "What is in the Worker, minified",
    columns: ["part", "bytes", "of the whole"],
    rows: largest.map(([part, bytes]) => [part, bytes, `${((100 * bytes) / total).toFixed(1)} %`]),
  }
}

function partOf(path: string): string {
  const inPackage = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(path)?.[1]
  if (inPackage !== undefined) return inPackage
  if (path.endsWith("scripts.generated.ts")) return "the Lua scripts"
  return /src\/[^/]+(?=\/)/.exec(path)?.[0] ?? "src"
}
