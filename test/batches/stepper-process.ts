/** A process that steps a batch until it has ended: `stepper-process.ts <url> <token> <queue> <batch> <settings as JSON>`. */
import { setTimeout as wait } from "node:timers/promises"
import { stepBatch } from "../../src/batches/step-batch.ts"
import { openQueue } from "../../src/compose.ts"
import { parseConfig } from "../../src/core/config.ts"

const [url, token, queueName, batchId = "", settings = "{}"] = process.argv.slice(2)
const { config } = parseConfig({
  ...(JSON.parse(settings) as Record<string, string>),
  ...{ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, QUEUE_NAME: queueName },
})
if (config === null) throw new Error("bad settings")
const services = { ...openQueue(config), wakeLanes: async () => undefined }
const limits = { spend: () => undefined, spare: 1000, endsAt: Number.POSITIVE_INFINITY }
console.log("steps")
for (;;) {
  const at = await stepBatch(services, batchId, limits)
  const stored = await services.batches.find(batchId, null)
  if (at === null || stored === null || stored.batch.phase === null) break
  await wait(Math.min(Math.max(0, at - Date.now()), 50))
}
