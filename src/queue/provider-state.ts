import type { ProviderDetails } from "./figures-contract.ts"

/** As in `lua/include/breaker.lua`. */
const OPEN_MS = { trouble: 5000, account: 60_000 }
const LONGEST_OPEN_MS = { trouble: 60_000, account: 300_000 }
/** Longer ago than those of so many it need not be told to the second. */
const MAX_TRIPS = 1000

type State = Pick<ProviderDetails, "inFlight" | "blockedUntil" | "breaker" | "paused" | "cause">

/**
 * What the fields of `meta` say of a provider: `blocked:` holds "target until …", `breaker:` as
 * `lua/include/breaker.lua` writes it.
 */
export function readProviderState(
  meta: Record<string, string>,
  name: string,
  inFlight: number,
  now: number,
): State {
  const [state, openUntil = "0", , , , cause] = (meta[`breaker:${name}`] ?? "").split(" ")
  const [, rateUntil = "0"] = ` ${meta[`blocked:${name}`] ?? ""}`.split(` ${name} `)
  const blockedUntil = Math.max(Number(openUntil), Number.parseInt(rateUntil, 10))
  const breaker = state !== "o" ? "closed" : Number(openUntil) > now ? "open" : "half_open"
  return {
    inFlight,
    blockedUntil: blockedUntil > now ? blockedUntil : null,
    breaker,
    cause: breaker === "closed" ? null : (cause as State["cause"]),
    paused: meta[`paused:${name}`] === "1" || meta["paused:*"] === "1",
  }
}

/** Since when at the latest the breaker has not been closed: how long it has been open in all, without the time of its probes. */
export function readTroubledSince(breaker: string): number | null {
  const [state, openUntil, trips, , , cause] = breaker.split(" ")
  if (state !== "o" || (cause !== "trouble" && cause !== "account")) return null
  let since = Number(openUntil)
  for (let trip = 0; trip < Math.min(Number(trips), MAX_TRIPS); trip++) {
    since -= Math.min(OPEN_MS[cause] * 2 ** trip, LONGEST_OPEN_MS[cause])
  }
  return since
}
