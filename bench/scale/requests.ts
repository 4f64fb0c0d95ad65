import { createIdGenerator } from "../../src/core/ids.ts"
import type { NewRequest, RequestQueue } from "../../src/queue/contract.ts"
import { newRequest, type RequestOverrides } from "../../test/helpers/queue.ts"
import { payload } from "./payload.ts"

const BULK = 1000
const BULKS_AT_ONCE = 4

// A million true random numbers would take as long as all else.
const newId = createIdGenerator(Date.now, Math.random)

/** The i-th request of 1 KB. */
export function oneKilobyte(i: number, overrides: RequestOverrides = {}): NewRequest {
  const { organizationId, provider } = overrides
  return newRequest({ requestId: newId(), ...payload(i, organizationId, provider), ...overrides })
}

/** In bulks side by side, so not in order. */
export async function fill(
  queue: RequestQueue,
  count: number,
  build: (i: number) => NewRequest = oneKilobyte,
): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < count) {
      const from = next
      next = Math.min(next + BULK, count)
      await queue.enqueue(Array.from({ length: next - from }, (_, i) => build(from + i)))
    }
  }
  await Promise.all(Array.from({ length: BULKS_AT_ONCE }, lane))
}
