import { AIRequestQueueError } from "./error.ts"
import { jitter, pause } from "./pause.ts"
import { readError } from "./read-error.ts"

/** As much of `fetch` as is needed: the global one, that of a service binding, or one of a test. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface Settings {
  url: string
  apiKey: string
  fetch: Fetch
  timeoutMs: number
  maxRetries: number
}

interface Call {
  method: "GET" | "POST" | "PATCH" | "DELETE"
  path: string
  /** JSON. */
  body?: string
  idempotencyKey?: string
  /**
   * `always`: doing it twice is doing it once, so what passes is tried again, also without an answer. `refused`: only
   * what was refused with 429 is, since all else may have been done.
   */
  repeat: "always" | "refused"
  /** An answer with this status is none of an error. */
  accept?: number
  signal?: AbortSignal | undefined
}

export interface Answer {
  status: number
  headers: Headers
  value: unknown
}

const BACKOFF_MS = 500
/** Whoever is asked to wait longer can do better than hold a call open. */
const LONGEST_PAUSE_MS = 30_000
const PASSING_STATUSES = [502, 503, 504]

export type Transport = (call: Call) => Promise<Answer>

/** Calls the API, and again while that is safe and makes sense, at most `maxRetries` times. */
export function createTransport(settings: Settings): Transport {
  return async (call) => {
    let maybeStored = false
    for (let retries = 0; ; retries++) {
      try {
        return await callOnce(settings, call)
      } catch (error) {
        if (!(error instanceof AIRequestQueueError)) throw error
        maybeStored ||= call.idempotencyKey !== undefined && mayHaveStored(error)
        const pauseMs = Math.max(error.retryAfterMs ?? 0, jitter(BACKOFF_MS * 2 ** retries))
        const isLast = retries >= settings.maxRetries || pauseMs > LONGEST_PAUSE_MS
        if (isLast || !isWorthAnother(error, call.repeat)) throw error.with({ maybeStored })
        await pause(pauseMs, call.signal)
      }
    }
  }
}

/** Something between may have lost the answer of what was done. */
function mayHaveStored({ code, status, maybeStored }: AIRequestQueueError): boolean {
  return maybeStored || status === null || code === "invalid_answer"
}

function isWorthAnother({ code, status }: AIRequestQueueError, repeat: Call["repeat"]): boolean {
  if (status === 429) return true
  if (repeat === "refused" || code === "not_configured") return false
  return status === null || PASSING_STATUSES.includes(status)
}

async function callOnce({ fetch, ...settings }: Settings, call: Call): Promise<Answer> {
  const { method, path, body, idempotencyKey, signal } = call
  const timeout = AbortSignal.timeout(settings.timeoutMs)
  const init: RequestInit = {
    method,
    headers: {
      Authorization: `Bearer ${settings.apiKey}`,
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(idempotencyKey === undefined ? {} : { "Idempotency-Key": idempotencyKey }),
    },
    ...(body === undefined ? {} : { body }),
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  }
  let response: Response
  let text: string
  try {
    response = await fetch(settings.url + path, init)
    text = await response.text()
  } catch (cause) {
    signal?.throwIfAborted()
    throw timeout.aborted ? timedOut(settings.timeoutMs) : unreachable(settings.url, cause)
  }
  const { status, headers } = response
  const value = text === "" ? null : parse(text)
  const isExpected = response.ok || status === call.accept
  if (!isExpected || value === undefined) throw readError(response, value)
  return { status, headers, value }
}

/** undefined: it is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function timedOut(timeoutMs: number): AIRequestQueueError {
  return new AIRequestQueueError("timeout", `The queue did not answer within ${timeoutMs} ms.`)
}

function unreachable(url: string, cause: unknown): AIRequestQueueError {
  return new AIRequestQueueError("unreachable", `The queue cannot be reached at ${url}.`, { cause })
}
