import type { ProviderDetails } from "./figures-contract.ts"

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
