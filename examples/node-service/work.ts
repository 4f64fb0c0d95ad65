/**
 * Works on requests with an AI service of your own: takes one after the other, until none is left.
 *
 *   UPSTASH_REDIS_REST_URL=… UPSTASH_REDIS_REST_TOKEN=… node examples/node-service/work.ts
 */
// In a project of your own: "ai-request-queue".
import { type AIRequest, AIRequestQueue } from "../../src/library/index.ts"

// A line is served by those who know its provider, so it has to be named, with or without a key. Leave the variables of
// other providers out of the environment: their requests would be taken as well.
const providers = [{ name: "my-service", baseUrl: "http://127.0.0.1:9000/v1", wireFormat: "openai-chat" }]
const queue = new AIRequestQueue({ env: { CUSTOM_PROVIDERS: JSON.stringify(providers) }, name: "my-service" })

for (;;) {
  const request = await queue.dequeue()
  if (request === null) break
  try {
    await queue.complete(request.requestId, await callMyService(request))
  } catch (error) {
    const isRetried = await queue.fail(request.requestId, error instanceof Error ? error : "It failed.")
    console.log(request.requestId, isRetried ? "will be retried" : "failed")
  }
}

async function callMyService({ target, messages }: AIRequest): Promise<string> {
  return `${target.model} has read ${messages.length} messages.`
}
