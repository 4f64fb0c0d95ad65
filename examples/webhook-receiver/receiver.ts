/**
 * Receives webhooks of the queue: verifies them, takes each event once, and asks for the answer.
 *
 *   AIQ_URL=… AIQ_KEY=… WEBHOOK_SECRET=whsec_… PORT=3000 node examples/webhook-receiver/receiver.ts
 *
 * Under `npm start`, WEBHOOK_ALLOW_PRIVATE=1 lets the queue call http://127.0.0.1:3000.
 */
import { createServer, type IncomingMessage } from "node:http"
import { text } from "node:stream/consumers"
// npm install standardwebhooks
import { Webhook, WebhookVerificationError } from "standardwebhooks"

const { AIQ_URL = "http://127.0.0.1:8787", AIQ_KEY = "", WEBHOOK_SECRET = "", PORT = "3000" } = process.env

interface RequestEvent {
  type: "request.completed" | "request.failed" | "request.cancelled"
  timestamp: string
  data: { requestId: string; metadata: Record<string, string>; error: { code: string } | null }
}

const webhook = new Webhook(WEBHOOK_SECRET)
/** In a service of your own: a table with a unique key, written together with what the event changes. */
const seen = new Set<string>()

const server = createServer(async (request, response) => {
  try {
    const event = await verify(request)
    const id = String(request.headers["webhook-id"])
    // First the answer, then the work: the queue waits for 15 s.
    response.writeHead(204).end()
    if (seen.has(id)) return
    seen.add(id)
    await work(event)
  } catch (error) {
    const isForged = error instanceof WebhookVerificationError
    if (!response.headersSent) response.writeHead(isForged ? 401 : 500).end()
    console.error(isForged ? "not from the queue" : error)
  }
})

/** The signature is over the body as it came: parse it afterwards. */
async function verify(request: IncomingMessage): Promise<RequestEvent> {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  )
  return webhook.verify(await text(request), headers) as RequestEvent
}

async function work({ type, data }: RequestEvent): Promise<void> {
  if (type !== "request.completed") return console.log(data.requestId, type, data.error?.code ?? "")
  const answer = await fetch(`${AIQ_URL}/v1/requests/${data.requestId}`, {
    headers: { authorization: `Bearer ${AIQ_KEY}` },
  })
  const { response } = (await answer.json()) as { response: { choices: { message: { content: string } }[] } }
  console.log(data.requestId, response.choices[0]?.message.content)
}

server.listen(Number(PORT), "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${PORT}`))
