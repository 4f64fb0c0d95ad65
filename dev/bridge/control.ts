import type { BridgeCounters } from "./counters.ts"
import type { FaultRule, Faults } from "./faults.ts"
import { type Answer, failure, json } from "./http-exchange.ts"

/** Faults and counters for tests that live in another process; same token as the store. */
export function isControlPath(path: string | undefined): boolean {
  return path === "/__faults" || path === "/__counters"
}

/**
 * `POST /__faults` {rule} adds one, `GET` lists, `DELETE` clears; `GET /__counters` reads, `DELETE` resets.
 * Every call answers what holds after it.
 */
export function handleControl(
  method: string | undefined,
  path: string | undefined,
  body: string,
  faults: Faults,
  counters: BridgeCounters,
): Answer {
  if (path === "/__counters") {
    if (method === "DELETE") counters.reset()
    else if (method !== "GET") return failure(405, "method not allowed")
    return json(200, counters)
  }
  if (method === "DELETE") faults.clear()
  else if (method === "POST") {
    try {
      faults.inject(JSON.parse(body) as FaultRule)
    } catch (error) {
      return failure(400, String(error))
    }
  } else if (method !== "GET") return failure(405, "method not allowed")
  return json(200, { faults: faults.list() })
}
