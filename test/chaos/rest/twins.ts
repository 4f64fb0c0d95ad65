import { createAccess } from "../../../src/queue/access.ts"
import { createTestClock, type TestQueue, type TestQueueOptions } from "../../helpers/queue.ts"
import type { TestStore } from "../../helpers/store.ts"
import { type Scenario, secretRequests } from "./scenarios.ts"
import { readWholeState } from "./whole-state.ts"

/** A queue and its undisturbed twin, at the same instant, with the same requests, ready for the same call. */
export interface Twins {
  scenario: Scenario
  queue: TestQueue
  twin: TestQueue
  /** Each gives what is promised of the reply. */
  act(): Promise<unknown>
  actOfTwin(): Promise<unknown>
}

export async function openTwins(
  { url, token }: { url: string; token: string },
  open: (options: TestQueueOptions) => TestQueue,
  scenario: Scenario,
): Promise<Twins> {
  const { prepare, pick = (reply: unknown) => reply } = scenario
  const at = Date.now()
  const [queue, twin] = [open({ clock: createTestClock(at) }), open({ clock: createTestClock(at) })]
  const requests = secretRequests(queue, 3)
  const prepared = async (own: TestQueue) => {
    const access = createAccess({ redis: { url, token }, queueName: own.name, random: () => 0 })
    const act = await prepare(own, requests, access)
    return async () => pick(await act())
  }
  return { scenario, queue, twin, act: await prepared(queue), actOfTwin: await prepared(twin) }
}

/** Everything that a queue has stored, but for what counts how often it was asked for. */
export async function stateOf({ redis }: TestStore, { name }: TestQueue, { counts }: Scenario) {
  const state = await readWholeState(redis, name)
  return counts === undefined ? state : JSON.parse(JSON.stringify(state).replace(counts, "0"))
}
