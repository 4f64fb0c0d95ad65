/**
 * A process with little memory that takes in and works through large batches: `large-process.ts <url> <token> <queue>
 * <bytes> <settings as JSON>`. Prints what they came to.
 */
import { createBatchService } from "../../src/batches/service.ts"
import { stepBatch } from "../../src/batches/step-batch.ts"
import { openQueue } from "../../src/compose.ts"
import { parseConfig } from "../../src/core/config.ts"
import { chatLine } from "./lines.ts"

const [url, token, queueName, size, settings = "{}"] = process.argv.slice(2)
const { config } = parseConfig({
  ...(JSON.parse(settings) as Record<string, string>),
  ...{ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, QUEUE_NAME: queueName },
})
if (config === null) throw new Error("bad settings")
const services = { ...openQueue(config), wakeLanes: async () => undefined }
const { files, batches, clock } = services
const service = createBatchService(services)
const organizationId = "org-1"
const content = "What did the fox say, and to whom? ".repeat(150)
const wanted = Number(size)
const encoder = new TextEncoder()

/** Requests of about 5 kB, as the body of a message batch. */
function requestsBody(): ReadableStream<Uint8Array> {
  let sent = 0
  let count = 0
  return new ReadableStream({
    pull(controller) {
      const messages = [{ role: "user", content: `${count} ${content}` }]
      const params = { model: "claude-test", max_tokens: 10, messages }
      const lead = count === 0 ? '{"requests":[' : ","
      const bytes = encoder.encode(lead + JSON.stringify({ custom_id: `c${count}`, params }))
      sent += bytes.length
      count += 1
      controller.enqueue(bytes)
      if (sent < wanted) return
      controller.enqueue(encoder.encode("]}"))
      controller.close()
    },
  })
}

async function uploadLines(): Promise<{ inputFileId: string; inputBytes: number }> {
  const inputFileId = files.newFileId()
  let written = { chunks: 0, bytes: 0 }
  for (let count = 0; written.bytes < wanted; ) {
    let text = ""
    while (text.length < 1_000_000)
      text += `${JSON.stringify(chatLine(`c${count}`, `${count++} ${content}`))}\n`
    written = await files.append(inputFileId, written, text, clock() + 3_600_000)
  }
  const file = { fileId: inputFileId, organizationId, filename: "in.jsonl", purpose: "batch" } as const
  await files.finish({ ...file, lifeSeconds: 172_800 }, written)
  return { inputFileId, inputBytes: written.bytes }
}

/** Until its window in the queue is full. */
async function fill(batchId: string) {
  const limits = { spend: () => undefined, spare: Number.POSITIVE_INFINITY, endsAt: Number.POSITIVE_INFINITY }
  for (;;) {
    const at = await stepBatch(services, batchId, limits)
    const stored = await batches.find(batchId, organizationId)
    if (stored === null) throw new Error("the batch is gone")
    const { status, total, enqueued, errors } = stored.batch
    if (at === null || at > clock()) return { status, total, enqueued, errors }
  }
}

const message = await service.createFromRequests({
  ...{ organizationId, body: requestsBody(), bytes: wanted, keepSeconds: 3600, keyHash: null },
})
const first = await fill(message.batchId)
const asked = { organizationId, endpoint: "/v1/chat/completions", metadata: null, outputTtlSeconds: 3600 }
const chat = await service.create({ ...asked, ...(await uploadLines()) }, null)
const second = await fill(chat.batchId)
console.log(JSON.stringify({ first, second, peakMb: Math.round(process.resourceUsage().maxRSS / 1024) }))
