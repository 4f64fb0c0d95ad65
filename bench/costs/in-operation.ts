import { setTimeout as wait } from "node:timers/promises"
import { startSimulator } from "../../dev/simulator/simulator.ts"
import { startLanes } from "../../test/drain/lane-runtime.ts"
import { countCommands } from "../../test/helpers/count.ts"
import { eventually } from "../../test/helpers/eventually.ts"
import { newRequest } from "../../test/helpers/queue.ts"
import type { TestStore } from "../../test/helpers/store.ts"
import { openStack } from "../../test/scale/stack.ts"

/** How requests come. */
export interface Arrivals {
  /** Requests that arrive together. */
  bulk: number
  bulks: number
  /** Between two bulks. */
  everyMs: number
}

const LANES = 4
/** 1 s to the first byte, 4 s an answer. */
const PROVIDER = { headersLatencyMs: 1000, latencyMs: 0, tokens: 30, tokensPerSecond: 10 }

/** Commands a request, drained by four lanes that each enqueue wakes, as deployed. */
export async function measureInOperation(
  store: TestStore,
  queueName: string,
  arrivals: Arrivals,
): Promise<number> {
  const { bulk, bulks, everyMs } = arrivals
  await using simulator = await startSimulator(PROVIDER)
  const { queue, deps } = openStack({ store, simulatorUrl: simulator.url, queueName })
  const { known, close } = startLanes(deps, LANES)
  const requests = bulk * bulks
  const { total } = await countCommands(store.redis, async () => {
    for (let i = 0; i < bulks; i++) {
      await queue.enqueue(Array.from({ length: bulk }, () => newRequest()))
      await Promise.all([known.wake(0, Date.now()), wait(everyMs)])
    }
    await eventually(() => simulator.calls.length === requests && simulator.inFlight.openai === 0, {
      ...{ withinMs: 120_000, everyMs: 20 },
    })
    await close()
  })
  const { counts } = await queue.stats()
  if (counts.completed !== requests) throw new Error(`${counts.completed} of ${requests} were completed`)
  return total / requests
}
