import { createContext } from "preact"
import { useContext } from "preact/hooks"
import type { Pulse } from "../../client/client.ts"
import type { Watched } from "./use-reading.ts"

/** A breaker that opens is told within 15 s, the way of the answer included. */
export const PULSE_EVERY_MS = 12_000

/** null: the key sees one organization alone, of which there is no pulse. */
export const PulseContext = createContext<Watched<Pulse> | null>(null)

/** The queue as it is now, read once for all parts of the page. */
export function usePulse(): Watched<Pulse> | null {
  return useContext(PulseContext)
}
