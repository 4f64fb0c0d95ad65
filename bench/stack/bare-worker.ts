import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Bundle, bundleProduct, bundleWorker } from "./bundle.ts"
import { startWorkerd, type Workerd } from "./workerd.ts"

export const ADMIN_KEY = "an-admin-key-for-benchmarks"
/** Of whoever posts with it. */
export const HEADERS = { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" }

export interface BareWorkerOptions {
  /** Upstash's REST protocol, as our bridge serves it. */
  store: { url: string; token: string }
  /** More variables of the Worker. The admin key and the store are set; a provider is needed to enqueue for it. */
  env?: Record<string, string>
  maxHeapMb?: number
}

/** The product's Worker, with its lanes, in bare workerd: no proxy of wrangler takes its time. Ready when it resolves. */
export async function startBareWorker(options: BareWorkerOptions): Promise<Workerd> {
  const worker = await startBundled(bundleProduct, true, options)
  const health = await fetch(`${worker.url}/v1/health`)
  if (health.status === 200) return worker
  await worker.stop()
  throw new Error(`the Worker is not well: ${health.status} ${await health.text()}`)
}

/** A Worker of `bench/workers`, in workerd as the product's is, with the same key and store. */
export function startOwnWorker(name: string, options: BareWorkerOptions): Promise<Workerd> {
  return startBundled((folder) => bundleWorker(name, folder), false, options)
}

async function startBundled(
  bundle: (folder: string) => Bundle,
  hasLanes: boolean,
  { store, env = {}, maxHeapMb }: BareWorkerOptions,
): Promise<Workerd> {
  const variables = {
    ADMIN_API_KEY: ADMIN_KEY,
    UPSTASH_REDIS_REST_URL: store.url,
    UPSTASH_REDIS_REST_TOKEN: store.token,
    ...env,
  }
  const folder = mkdtempSync(join(tmpdir(), "aiq-bare-worker-"))
  try {
    return await startWorkerd({ file: bundle(folder).file, env: variables, hasLanes, maxHeapMb })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
