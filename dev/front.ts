import { once } from "node:events"
import {
  Agent,
  createServer,
  type IncomingMessage,
  type RequestOptions,
  type ServerResponse,
  request as send,
} from "node:http"
import { createIdGenerator } from "../src/core/ids.ts"

export interface Front {
  readonly origin: string
  close(): Promise<void>
}

/** Whose callers wait for an answer; leaving cancels it unless they announced that they come back. */
const WAITING = /^\/v1\/(chat\/completions|responses|messages)\/?(\?|$)/
/** More than wrangler's own limit, which is to have the last word. */
const MAX_HEADER_BYTES = 256 * 1024
const LOOK_AGAIN_MS = 500

const newRequestId = createIdGenerator(Date.now)

/**
 * Listens before wrangler, whose proxy keeps to itself that a caller has left before the first byte of an answer. On
 * Cloudflare the Worker is told (`request.signal`); here the front gives the request its id, and cancels it by that.
 */
export async function startFront(port: number, workerOrigin: string, adminApiKey: string): Promise<Front> {
  const agent = new Agent({ keepAlive: true })
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: 0 }, (asked, answer) => {
    pass(asked, answer, new URL(workerOrigin), agent, adminApiKey)
  })
  server.listen(port, "127.0.0.1")
  await once(server, "listening")
  return {
    origin: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      agent.destroy()
    },
  }
}

function pass(
  asked: IncomingMessage,
  answer: ServerResponse,
  { hostname, port }: URL,
  agent: Agent,
  adminApiKey: string,
): void {
  const { method = "GET", url: path = "/", rawHeaders } = asked
  // Who gave an id of its own can cancel by that; two of them would be refused.
  const comesBack = ["idempotency-key", "x-queue-request-id"].some(
    (name) => asked.headers[name] !== undefined,
  )
  const waits = method === "POST" && WAITING.test(path) && !comesBack
  const requestId = waits ? newRequestId() : null
  const headers = requestId === null ? rawHeaders : [...rawHeaders, "X-Queue-Request-Id", requestId]
  const onward = send({ hostname, port, method, path, headers, agent }, (got) => {
    answer.writeHead(got.statusCode ?? 502, got.statusMessage, got.rawHeaders)
    got.pipe(answer)
    got.on("error", () => answer.destroy())
  })
  // An answer may come before all of a body was read; then what is left of that breaks.
  onward.on("error", () => {
    if (!answer.headersSent) answer.destroy()
  })
  asked.pipe(onward)
  answer.on("close", () => {
    if (answer.writableFinished) return
    onward.destroy()
    if (requestId !== null) cancel(requestId, { hostname, port, agent }, adminApiKey)
  })
}

/** It may be on its way into the store just now, so it is looked for more than once. Where there is none, it was refused. */
function cancel(requestId: string, worker: RequestOptions, adminApiKey: string, triesLeft = 4): void {
  const path = `/v1/requests/${requestId}`
  const headers = { authorization: `Bearer ${adminApiKey}` }
  send({ ...worker, method: "DELETE", path, headers }, (got) => {
    got.resume()
    if (got.statusCode !== 404 || triesLeft === 0) return
    setTimeout(() => cancel(requestId, worker, adminApiKey, triesLeft - 1), LOOK_AGAIN_MS).unref()
  })
    .on("error", () => undefined)
    .end()
}
