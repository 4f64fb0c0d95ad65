import { setTimeout as wait } from "node:timers/promises"
import type { RequestStatus } from "../../src/core/outcome.ts"

/** The queue's HTTP API, as far as the demo needs it. */
export interface DemoClient {
  /**
   * Posts a request and gives its id. Repeated under one idempotency key while the queue is full or the store away,
   * so that it is stored once. Throws with the problem's code when it is refused.
   */
  post(body: Record<string, unknown>, idempotencyKey: string): Promise<string>
  /** null: unknown. */
  status(requestId: string): Promise<RequestStatus | null>
  cancel(requestId: string): Promise<void>
}

/** An answer that is neither a success nor worth another try. */
export class Refused extends Error {
  override readonly name = "Refused"
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, detail: string) {
    super(`${code}: ${detail}`)
    this.status = status
    this.code = code
  }
}

const TRY_TIMEOUT_MS = 15_000
const TRIES = 6
const PAUSE_MS = 250
const LONGEST_PAUSE_MS = 5_000

export function createClient(origin: string, apiKey: string): DemoClient {
  const call = async (method: string, path: string, options: { body?: unknown; key?: string } = {}) => {
    const response = await fetch(origin + path, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(options.body === undefined ? {} : { "content-type": "application/json" }),
        ...(options.key === undefined ? {} : { "idempotency-key": options.key }),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      signal: AbortSignal.timeout(TRY_TIMEOUT_MS),
    })
    const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>
    if (response.ok) return answer
    const { code = `status_${response.status}`, detail = "" } = answer
    const refused = new Refused(response.status, String(code), String(detail))
    const isPassing = [429, 502, 503, 504].includes(response.status) && code !== "not_configured"
    throw isPassing ? new Passing(refused, Number(response.headers.get("retry-after")) * 1000) : refused
  }
  const status = async (requestId: string) => {
    try {
      return (await persist(() => call("GET", `/v1/requests/${requestId}`))) as unknown as RequestStatus
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return null
      throw error
    }
  }
  return {
    post: async (body, key) => {
      const { requestId } = await persist(() => call("POST", "/v1/requests", { body, key }))
      return String(requestId)
    },
    status,
    cancel: async (requestId) => {
      await persist(() => call("DELETE", `/v1/requests/${requestId}`))
    },
  }
}

/** What another try may cure. */
class Passing extends Error {
  readonly refused: Refused
  readonly retryAfterMs: number

  constructor(refused: Refused, retryAfterMs: number) {
    super(refused.message)
    this.refused = refused
    this.retryAfterMs = retryAfterMs
  }
}

async function persist<Answer>(attempt: () => Promise<Answer>): Promise<Answer> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt()
    } catch (error) {
      if (error instanceof Refused) throw error
      if (tried === TRIES) {
        throw error instanceof Passing ? error.refused : new Refused(0, "no_answer", "the stack is gone")
      }
      const askedMs = error instanceof Passing ? error.retryAfterMs : 0
      await wait(Math.min(LONGEST_PAUSE_MS, Math.max(askedMs || 0, PAUSE_MS * 2 ** tried)))
    }
  }
}
