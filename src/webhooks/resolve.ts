import type { Clock } from "../core/clock.ts"
import type { DeliveryError } from "../core/delivery.ts"
import { isIpv4, isPublicAddress, isPublicHost } from "../core/public-address.ts"

/** null: it may be called. */
export type CheckHost = (hostname: string) => Promise<DeliveryError | null>

interface ResolverOptions {
  /** Of DNS over HTTPS; empty: names are not resolved. */
  resolver: string
  fetch: typeof fetch
  clock: Clock
}

const CACHED_MS = 60_000
const MAX_CACHED = 1000
const TIMEOUT_MS = 5000
/** Of IPv4 and IPv6 addresses, with their numbers in answers. */
const RECORDS = { A: 1, AAAA: 28 } as const

/**
 * Looks where a host leads before it is called. A Worker's `fetch` resolves by itself, so this is a second look-up, whose
 * answer may differ: docs/webhooks.md says what remains. Two round trips at once per host and minute; none for addresses.
 */
export function createHostCheck({ resolver, fetch, clock }: ResolverOptions): CheckHost {
  const known = new Map<string, { verdict: DeliveryError | null; at: number }>()

  async function addressesOf(hostname: string, type: keyof typeof RECORDS): Promise<string[]> {
    const url = `${resolver}?name=${encodeURIComponent(hostname)}&type=${type}`
    const answer = await fetch(url, {
      headers: { accept: "application/dns-json" },
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (!answer.ok) throw new Error("the resolver did not answer")
    const { Answer = [] } = (await answer.json()) as { Answer?: { type: number; data: string }[] }
    return Answer.filter((record) => record.type === RECORDS[type]).map(({ data }) => data)
  }

  async function look(hostname: string): Promise<DeliveryError | null> {
    try {
      const [v4, v6] = await Promise.all([addressesOf(hostname, "A"), addressesOf(hostname, "AAAA")])
      const addresses = [...v4, ...v6]
      if (addresses.length === 0) return "not_resolved"
      return addresses.every(isPublicAddress) ? null : "private_address"
    } catch {
      return "not_resolved"
    }
  }

  return async (hostname) => {
    // Settings may have changed since the request was taken.
    if (!isPublicHost(hostname)) return "private_address"
    if (resolver === "" || hostname.startsWith("[") || isIpv4(hostname)) return null
    const cached = known.get(hostname)
    if (cached !== undefined && clock() - cached.at < CACHED_MS) return cached.verdict
    const verdict = await look(hostname)
    if (known.size >= MAX_CACHED) known.clear()
    // Trouble of the resolver is not the host's.
    if (verdict !== "not_resolved") known.set(hostname, { verdict, at: clock() })
    return verdict
  }
}
