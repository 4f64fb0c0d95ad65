/**
 * A plain Node service that puts requests into the queue and waits for answers, without the HTTP API in between. The
 * Worker beside it, on the same queue, does the calling.
 *
 *   UPSTASH_REDIS_REST_URL=… UPSTASH_REDIS_REST_TOKEN=… OPENAI_API_KEY=… PORT=3000 node examples/node-service/service.ts
 *
 *   POST /questions {"question": "What is ESG?"}   202 {"requestId": "req_…"}
 *   GET  /questions/req_…                          200 once there is an answer, 202 while there is none yet
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { json } from "node:stream/consumers"
// In a project of your own: "ai-request-queue".
import { AIRequestQueue, AppError, WaitTimeoutError } from "../../src/library/index.ts"

const PATIENCE_MS = 20_000

/** Settings come from the environment, under the Worker's names. */
const queue = new AIRequestQueue()

const server = createServer(async (request, response) => {
  try {
    await route(request, response)
  } catch (error) {
    const { status, code, message } =
      error instanceof AppError ? error : new AppError("internal", "It failed.")
    answer(response, status, { code, message })
  }
})

async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, collection, requestId] = new URL(request.url ?? "/", "http://service").pathname.split("/")
  if (collection !== "questions") return answer(response, 404, {})
  if (request.method === "POST") return ask(request, response)
  if (requestId !== undefined) return showAnswer(requestId, response)
  answer(response, 405, {})
}

/** A click that is repeated must not ask twice: the browser sends the same key with it. */
async function ask(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { question } = (await json(request)) as { question?: string }
  const key = request.headers["idempotency-key"]
  const requestId = await queue.enqueue("openai", "gpt-5-mini", [{ role: "user", content: question ?? "" }], {
    priority: "high",
    organizationId: "web-app",
    ...(typeof key === "string" ? { idempotencyKey: key } : {}),
  })
  answer(response, 202, { requestId })
}

/** Waits no longer than the browser does. */
async function showAnswer(requestId: string, response: ServerResponse): Promise<void> {
  const gone = new AbortController()
  response.on("close", () => gone.abort())
  try {
    const {
      state,
      response: completion,
      error,
    } = await queue.waitFor(requestId, {
      timeoutMs: PATIENCE_MS,
      signal: gone.signal,
    })
    const text = completion?.choices[0]?.message.content ?? null
    answer(response, 200, { state, answer: text, error: error?.code ?? null })
  } catch (error) {
    if (gone.signal.aborted) return
    if (!(error instanceof WaitTimeoutError)) throw error
    answer(response, 202, { state: error.status?.state ?? null })
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
}

server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`listening on ${JSON.stringify(server.address())}`)
})
process.once("SIGTERM", () => server.close())
