import { randomUUID } from "node:crypto"
import { setTimeout as wait } from "node:timers/promises"
import { type Finding, ok, problem, warning } from "./finding.ts"
import { sendCommand } from "./send-command.ts"
import type { StoreAccess, Target } from "./target.ts"

const PINGS = 20
/** An enqueue is one round trip, so this is what its caller feels. */
const SLOW_MS = 100
const TTL_MS = 1_000
/** Leases have a margin of 10 s against clocks that differ. */
const SKEW_WARNING_MS = 1_000
const SKEW_PROBLEM_MS = 5_000
const STANDARD_TOKEN = "copy the standard REST token from the database's page in the Upstash console"

/** Whether the store answers at all. Nothing else makes sense before it does. */
export async function checkReach(store: StoreAccess, kind: Target["kind"]): Promise<Finding> {
  const { host, protocol, hostname } = new URL(store.url)
  const reply = await sendCommand(store, ["PING"])
  const startStack = "start the stack again: npm start"
  if (reply.kind === "unreachable") {
    const remedy =
      kind === "local" ? startStack : "copy UPSTASH_REDIS_REST_URL again; is the database deleted or paused?"
    return problem("store", `${host} does not answer (${reply.reason})`, remedy)
  }
  if (reply.kind === "refused") {
    const isToken = reply.status === 401 || /WRONGPASS|NOAUTH|unauthorized/i.test(reply.error)
    if (isToken && kind === "local") return problem("store", `${host} refuses the token`, startStack)
    return isToken
      ? problem("store", `${host} refuses the token`, `UPSTASH_REDIS_REST_TOKEN: ${STANDARD_TOKEN}`)
      : problem(
          "store",
          `${host} answers ${reply.status}: ${reply.error}`,
          "UPSTASH_REDIS_REST_URL must be the REST URL, https://….upstash.io",
        )
  }
  const isLoopback = hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.")
  return protocol === "https:" || isLoopback
    ? ok("store", `${host} answers and takes the token`)
    : warning("store", `${host} answers, but the token travels unencrypted`, "use its https:// URL")
}

export async function checkLatency(store: StoreAccess): Promise<Finding> {
  const times: number[] = []
  for (let i = 0; i < PINGS; i++) {
    const reply = await sendCommand(store, ["PING"])
    if (reply.kind === "result") times.push(reply.tookMs)
  }
  times.sort((a, b) => a - b)
  const p50 = times[Math.floor(times.length / 2)]
  if (p50 === undefined || times.length < PINGS) {
    const lost = PINGS - times.length
    return problem(
      "latency",
      `${lost} of ${PINGS} PINGs failed`,
      "look at the database's status and its limits",
    )
  }
  const message = `PING from here: p50 ${p50.toFixed(1)} ms, slowest ${(times.at(-1) ?? 0).toFixed(1)} ms`
  return p50 < SLOW_MS
    ? ok("latency", message)
    : warning("latency", message, "fine from a laptop; the Worker should run near the database's region")
}

/** What evicts keys loses accepted requests, or outcomes. */
export async function checkEviction(store: StoreAccess): Promise<Finding> {
  const config = await sendCommand(store, ["CONFIG", "GET", "maxmemory-policy"])
  const info = await sendCommand(store, ["INFO", "memory"])
  const text = JSON.stringify([config, info].map((reply) => (reply.kind === "result" ? reply.result : null)))
  const policy = /maxmemory[-_]policy[^a-z]+((?:noeviction|allkeys|volatile)[a-z-]*)/.exec(text)?.[1]
  if (policy === "noeviction") return ok("eviction", "off (noeviction)")
  return policy === undefined
    ? warning(
        "eviction",
        "unknown: the store does not tell",
        "make sure that Eviction is off in the Upstash console",
      )
    : problem("eviction", `on (${policy}): the store may drop requests when it is full`, "turn Eviction off")
}

/** Writes a key of the doctor's own that expires. */
export async function checkExpiry(store: StoreAccess): Promise<Finding> {
  const key = `aiq:{doctor}:${randomUUID()}`
  const written = await sendCommand(store, ["SET", key, "1", "PX", String(TTL_MS)])
  if (written.kind !== "result") {
    const why = written.kind === "refused" ? written.error : written.reason
    return /NOPERM|read.?only|permission/i.test(why)
      ? problem("expiry", "the token may only read", STANDARD_TOKEN)
      : problem("expiry", `cannot write: ${why}`, "make room in the database, or choose a larger plan")
  }
  await wait(TTL_MS + 100)
  const after = await sendCommand(store, ["GET", key])
  return after.kind === "result" && after.result === null
    ? ok("expiry", "keys are written, and gone after their TTL")
    : problem("expiry", "a key outlives its TTL", "use Upstash, or a Redis that lets keys expire")
}

/** Only the time of who writes counts; a machine that is far off breaks leases and deadlines. */
export async function checkClock(store: StoreAccess): Promise<Finding> {
  const reply = await sendCommand(store, ["TIME"])
  const seconds =
    reply.kind === "result" && Array.isArray(reply.result) ? Number(reply.result[0]) : Number.NaN
  if (reply.kind !== "result" || Number.isNaN(seconds)) {
    return warning(
      "clock",
      "unknown: the store does not tell its time",
      "make sure that this machine uses NTP",
    )
  }
  const micros = Number((reply.result as unknown[])[1])
  const skewMs = Math.round(Date.now() - reply.tookMs / 2 - (seconds * 1000 + micros / 1000))
  const message = `this machine is ${Math.abs(skewMs)} ms ${skewMs < 0 ? "behind" : "ahead of"} the store`
  if (Math.abs(skewMs) <= SKEW_WARNING_MS) return ok("clock", message)
  const remedy = "set this machine's clock by NTP"
  return Math.abs(skewMs) <= SKEW_PROBLEM_MS
    ? warning("clock", message, remedy)
    : problem("clock", message, remedy)
}
