import type { Bridge } from "../../dev/bridge/bridge.ts"
import type { RawRedis } from "./store.ts"

/** Upstash bills none of these. */
const FREE = new Set("auth hello select command config info ping reset quit".split(" "))
/** The bridge's own measuring of large keys. */
const OURS = new Set(["memory|usage"])

export interface CommandCount {
  total: number
  byName: Record<string, number>
}

/** Billed commands that the store executes meanwhile, inside scripts too. Only a real Redis counts them. */
export async function countCommands(redis: RawRedis, run: () => Promise<unknown>): Promise<CommandCount> {
  await redis.sendCommand(["CONFIG", "RESETSTAT"])
  await run()
  const info = String(await redis.sendCommand(["INFO", "commandstats"]))
  const byName: Record<string, number> = {}
  for (const [, name = "", calls] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
    const family = name.split("|")[0] ?? name
    if (!FREE.has(family) && !OURS.has(name)) byName[name] = Number(calls)
  }
  return { total: Object.values(byName).reduce((sum, calls) => sum + calls, 0), byName }
}

/** REST requests that reach the bridge meanwhile. */
export async function countRoundTrips(bridge: Bridge, run: () => Promise<unknown>): Promise<number> {
  const before = bridge.counters.requests
  await run()
  return bridge.counters.requests - before
}
