/**
 * Asks a model through the queue: enqueue, wait, cancel what takes too long. Plain `fetch`, no package.
 *
 *   AIQ_KEY=… node examples/typescript/ask.ts "What is ESG?"        (AIQ_URL: where the queue is)
 */
import { setTimeout as sleep } from "node:timers/promises"

const API = process.env.AIQ_URL ?? "http://127.0.0.1:8787"
const KEY = process.env.AIQ_KEY ?? ""
const TRIES = 5

/** What this example reads of an answer of `GET /v1/requests/{requestId}`. */
interface QueuedRequest {
  requestId: string
  state: "scheduled" | "pending" | "processing" | "completed" | "failed" | "cancelled"
  response: { choices: { message: { content: string | null } }[] } | null
  error: { code: string; message: string } | null
}

/** Stores a request. Under one key it is stored once, however often this is called within 24 hours. */
export async function enqueue(request: Record<string, unknown>, key = crypto.randomUUID()): Promise<string> {
  const { requestId } = await call<QueuedRequest>("POST", "/v1/requests", {
    headers: { "Content-Type": "application/json", "Idempotency-Key": key },
    body: JSON.stringify(request),
  })
  return requestId
}

/** The request once it has ended, or as it is when the time is up. Asks ever less often, at most every 5 s. */
export async function waitFor(requestId: string, withinMs = 60_000): Promise<QueuedRequest> {
  const until = Date.now() + withinMs
  for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 1.5, 5000)) {
    const request = await call<QueuedRequest>("GET", `/v1/requests/${requestId}`)
    const hasEnded = ["completed", "failed", "cancelled"].includes(request.state)
    if (hasEnded || Date.now() + pauseMs > until) return request
    await sleep(pauseMs)
  }
}

/** Ends a request that nobody waits for; false when it was completed before. */
export async function cancel(requestId: string): Promise<boolean> {
  try {
    await call("DELETE", `/v1/requests/${requestId}`)
    return true
  } catch (error) {
    if (error instanceof QueueError && error.status === 409) return false
    throw error
  }
}

/** The answer's text. */
export async function ask(question: string, withinMs?: number): Promise<string> {
  const requestId = await enqueue({
    provider: "openai",
    model: "gpt-5-mini",
    organizationId: "org-123",
    messages: [{ role: "user", content: question }],
  })
  let request = await waitFor(requestId, withinMs)
  if (request.state !== "completed" && request.state !== "failed") {
    if (await cancel(requestId)) throw new Error(`${requestId} took too long and was cancelled`)
    request = await waitFor(requestId)
  }
  if (request.state === "failed") throw new Error(`${request.error?.code}: ${request.error?.message}`)
  return request.response?.choices[0]?.message.content ?? ""
}

interface Problem {
  code?: string
  detail?: string
}

/** An answer that another try would not change: `code` and `detail` say why. */
export class QueueError extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, problem: Problem) {
    super(problem.detail ?? `The queue answered ${status}.`)
    this.status = status
    this.code = problem.code ?? "unknown"
  }
}

/** Every call may be repeated, so what passes (429, 503, no answer at all) is simply tried again. */
async function call<Answer>(method: string, path: string, more: RequestInit = {}): Promise<Answer> {
  for (let tried = 1; ; tried++) {
    const headers = { ...more.headers, Authorization: `Bearer ${KEY}` }
    const signal = AbortSignal.timeout(10_000)
    const answer = await fetch(API + path, { ...more, method, headers, signal }).catch((error: unknown) => {
      if (tried === TRIES) throw error
      return null
    })
    if (answer?.ok) return (await answer.json()) as Answer
    const isPassing = answer === null || answer.status === 429 || answer.status === 503
    if (answer !== null && (!isPassing || tried === TRIES)) {
      throw new QueueError(answer.status, (await answer.json().catch(() => ({}))) as Problem)
    }
    await sleep(Number(answer?.headers.get("Retry-After") ?? 2 ** tried) * 1000)
  }
}

if (import.meta.main) console.log(await ask(process.argv[2] ?? "Say hello."))
