import { AIRequestQueue } from "ai-request-queue"
import { AIRequestQueueClient } from "ai-request-queue/client"

// The same in a Worker.
export default {
  async fetch(asked: Request): Promise<Response> {
    const { redis, env }: { redis: { url: string; token: string }; env: Record<string, string> } =
      await asked.json()
    const queue = new AIRequestQueue({ redis, queueName: "consumer-in-worker", env })
    const requestId = await queue.enqueue("openai", "gpt-5", [{ role: "user", content: "Hello?" }])
    const status = await queue.getRequestStatus(requestId)
    const client = new AIRequestQueueClient({ url: "http://127.0.0.1:1", apiKey: "none" })
    return Response.json({ state: status?.state, canWait: typeof client.waitFor })
  },
}
