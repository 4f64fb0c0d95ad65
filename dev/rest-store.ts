import { randomBytes } from "node:crypto"
import { startBridge } from "./bridge/bridge.ts"
import { takeDataFolder } from "./data-folder.ts"
import type { Lifetime } from "./lifetime.ts"
import type { Settings, StoreChoice } from "./settings.ts"
import { type Store, startStore } from "./store.ts"

/** The store as the Worker reaches it, and as a person is told of it. */
export interface RestStore {
  url: string
  token: string
  /** What it is, and whether it forgets. */
  description: string
}

const CHECK_TIMEOUT_MS = 10_000

/**
 * The given REST store, or the bridge in front of a Redis: the given one, or one of our own. Checked with a PING.
 * Throws one line that names the variable at fault.
 */
export async function openRestStore(
  root: string,
  settings: Settings,
  lifetime: Lifetime,
): Promise<RestStore> {
  const store = await connect(root, settings, lifetime)
  const problem = await ping(store)
  if (problem !== null) throw new Error(`${variableOf(settings.store, problem)}${problem}`)
  return store
}

async function connect(root: string, { store, port }: Settings, lifetime: Lifetime): Promise<RestStore> {
  if (store.kind === "upstash") {
    return { url: store.url, token: store.token, description: `the REST store at ${new URL(store.url).host}` }
  }
  if (store.kind === "redis") {
    const redis = await lifetime.start(startStore({ redisUrl: store.redisUrl }), close)
    return bridge(redis, redis.description, lifetime).catch((error: Error) => {
      const cause = error.cause as NodeJS.ErrnoException | undefined
      throw new Error(
        `REDIS_URL: cannot use ${redis.description}: ${cause?.code ?? cause?.message ?? error.message}`,
      )
    })
  }
  const folder = await lifetime.start(takeDataFolder(root, port), (taken) => taken.release())
  const own = await lifetime.start(startStore({ dataDir: folder.path }), close)
  const note = own.kind === "redis" && folder.note !== null ? ` (${folder.note})` : ""
  return bridge(own, own.description + note, lifetime)
}

/** Its control routes let a person, or a test in another process, see what happens when the store fails. */
async function bridge(store: Store, description: string, lifetime: Lifetime): Promise<RestStore> {
  const options = { ...store.address, token: randomBytes(24).toString("hex"), control: true }
  const { url, token } = await lifetime.start(startBridge(options), close)
  return { url, token, description }
}

const close = (started: { close(): Promise<void> }) => started.close()

/** Null when the store answers. */
async function ping({ url, token, description }: RestStore): Promise<string | null> {
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: '["PING"]',
      signal: AbortSignal.timeout(CHECK_TIMEOUT_MS),
    })
    if (answer.ok) return null
    return answer.status === 401
      ? "is refused by the store"
      : `${description} answers a PING with status ${answer.status}`
  } catch (error) {
    const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException }
    return `${description} does not answer: ${cause?.code ?? message}`
  }
}

function variableOf(store: StoreChoice, problem: string): string {
  if (store.kind === "own") return ""
  if (store.kind === "redis") return "REDIS_URL: "
  return problem.startsWith("is refused") ? "UPSTASH_REDIS_REST_TOKEN: " : "UPSTASH_REDIS_REST_URL: "
}
