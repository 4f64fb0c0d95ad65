import { createContext } from "preact"
import { useContext } from "preact/hooks"
import { AIRequestQueueClient, type Self } from "../client/client.ts"
import { createMeter, type Meter } from "./data/meter.ts"
import { createPrices, type Prices } from "./data/prices.ts"

/** Of this tab alone, and gone with it. */
const PLACE = "aiq-key"

/** Who is signed in, and how the page calls the API for them. */
export interface Session {
  client: AIRequestQueueClient
  self: Self
  meter: Meter
  prices: Prices
}

export function keptKey(): string | null {
  return sessionStorage.getItem(PLACE)
}

export function forgetKey(): void {
  sessionStorage.removeItem(PLACE)
}

/**
 * Asks what the key may do. Rejects with the client's error, `unauthorized` for a wrong one, or a `TypeError` for what can
 * be no key. `end`: later an answer said that the key is good no more.
 */
export async function signIn(apiKey: string, end: () => void): Promise<Session> {
  let isIn = false
  const meter = createMeter(Date.now)
  const prices = createPrices()
  const client = new AIRequestQueueClient({
    ...{ url: location.origin, apiKey, timeoutMs: 20_000 },
    // Watching tries again by itself, less and less often; what a person asked for they can ask for again.
    maxRetries: 0,
    fetch: async (url, init) => {
      const answer = await fetch(url, init)
      meter.note(
        prices.of(init.method ?? "GET", url.slice(location.origin.length)),
        apiKey.startsWith("aiq_"),
      )
      if (answer.status === 401 && isIn) end()
      return answer
    },
  })
  const self = await client.keys.self()
  isIn = true
  sessionStorage.setItem(PLACE, apiKey)
  return { client, self, meter, prices }
}

/** For all organizations: it sees the whole queue. */
export function seesAll({ organizationId, scopes }: Self): boolean {
  return organizationId === "*" && scopes.includes("read")
}

/** It may use levers that concern everyone. */
export function isAdmin({ organizationId, scopes }: Self): boolean {
  return organizationId === "*" && scopes.includes("admin")
}

export const SessionContext = createContext<Session | null>(null)

/** Only inside what is shown when signed in. */
export function useSession(): Session {
  const session = useContext(SessionContext)
  if (session === null) throw new Error("Nobody is signed in.")
  return session
}
