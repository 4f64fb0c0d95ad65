import { planRequests } from "../../dev/demo/plan.ts"
import { readRows } from "../../dev/demo/rows.ts"
import { AIRequestQueueClient, type NewRequest } from "../../src/client/client.ts"
import { ADMIN_KEY } from "../helpers/stack.ts"

const PROVIDERS = Object.fromEntries(
  ["openai", "anthropic", "deepseek"].map((name) => [name, { simulated: true }]),
)
const REQUESTS = 240
/** Of so many one fails for good, so that there are dead letters to be seen. */
const FAILED_EVERY = 14
const CAUSES = ["context_length", "rejected", "unprocessable"]

/** Demo traffic: what a queue looks like that works, and has its share of trouble. */
export async function sendTraffic(url: string): Promise<AIRequestQueueClient> {
  const client = new AIRequestQueueClient({ url, apiKey: ADMIN_KEY })
  const plan = planRequests(readRows(), { requests: REQUESTS, speed: 1, providers: PROVIDERS })
  const requests = plan.map(({ body }, i) => {
    const messages = body.messages as { role: string; content: string }[]
    const last = messages.at(-1)
    if (i % FAILED_EVERY === FAILED_EVERY - 1 && last !== undefined) {
      // Before its pace, since the first directive that speaks of something counts.
      last.content = `[[sim: error=${CAUSES[Math.floor(i / FAILED_EVERY) % CAUSES.length]}]] ${last.content}`
    }
    return body as unknown as NewRequest
  })
  await client.enqueueMany(requests)
  return client
}
