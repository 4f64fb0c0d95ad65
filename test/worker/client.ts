import { createExecutionContext, createScheduledController } from "cloudflare:test"
import { env } from "cloudflare:workers"
import { compose } from "../../src/compose.ts"
import type { ChatCompletion } from "../../src/core/request.ts"
import worker from "../../src/index.ts"
import type { ClaimedRequest, RequestQueue, Settlement } from "../../src/queue/contract.ts"
import { documented } from "../helpers/documented.ts"

interface Answer {
  status: number
  headers: Headers
  /** Parsed; the text itself when it is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect of it.
  body: any
}

interface CallOptions {
  /** Sent as JSON; a string or bytes are sent as they are. */
  body?: unknown
  /** null: none at all. */
  key?: string | null
  headers?: Record<string, string>
}

export interface Client {
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  /** What the cron does. */
  tick(): Promise<void>
  /** The Worker's own queue, to play the drain. */
  queue: RequestQueue
  queueName: string
}

/** The Worker with a queue of its own in the store, drained by ticks. `variables` are added to its settings; undefined takes one away. */
export function createClient(variables: Record<string, string | undefined> = {}): Client {
  const queueName = `t-${crypto.randomUUID()}`
  const bindings: Record<string, unknown> = { ...env, QUEUE_NAME: queueName, DRAIN_LANES: "0", ...variables }
  return {
    queueName,
    get queue() {
      const { services } = compose(bindings)
      if (services === null) throw new Error("the settings are bad")
      return services.queue
    },
    call: async (method, path, { body, key = env.ADMIN_API_KEY, headers = {} } = {}) => {
      const isRaw = typeof body === "string" || body instanceof Uint8Array || body instanceof ReadableStream
      const request = new Request(`https://queue.test${path}`, {
        method,
        headers: {
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: isRaw ? body : JSON.stringify(body) }),
      })
      const response = await worker.fetch(request, bindings, createExecutionContext())
      return readAnswer(await documented({ method, path, ...(isRaw ? {} : { body }) }, response))
    },
    tick: () => worker.scheduled(createScheduledController(), bindings),
  }
}

async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text()
  const isJson = text !== "" && /json/.test(response.headers.get("content-type") ?? "")
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}

/** The least that is accepted, with `changes`; an undefined member is taken away. */
export function requestBody(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    provider: "openai",
    model: "gpt-5",
    messages: [{ role: "user", content: "Say hello." }],
    organizationId: "org-1",
    ...changes,
  }
}

/** Stores one request and returns its id. */
export async function enqueued(client: Client, changes: Record<string, unknown> = {}): Promise<string> {
  const { status, body } = await client.call("POST", "/v1/requests", { body: requestBody(changes) })
  if (status !== 202) throw new Error(JSON.stringify(body))
  return body.requestId
}

/** Claims what is pending, as a drain would. */
export async function claimAll(queue: RequestQueue, limit = 10): Promise<ClaimedRequest[]> {
  const claim = await queue.claim({ owner: "test:1", limit, maxBytes: 1e7, maxTimeoutMs: 600_000 })
  return claim.requests
}

export const COMPLETION: ChatCompletion = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "gpt-5",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello." }, finish_reason: "stop" }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
}

/** Claims what is pending and settles it as `kind`. */
export async function finishAll(queue: RequestQueue, kind: "completed" | "failed"): Promise<void> {
  const settlements = (await claimAll(queue)).map(({ lease, target, startedAt }): Settlement => {
    const error =
      kind === "completed"
        ? null
        : ({ code: "provider_rejected", message: "It was refused.", retryable: false, status: 400 } as const)
    return {
      lease,
      decision: { kind },
      attempt: {
        ...{ number: lease.attempt, ...target, startedAt },
        ...{ finishedAt: startedAt + 10, result: kind, error, status: error?.status ?? 200 },
        ...{ providerRequestId: "vendor-1", possiblyBilled: false },
      },
      result: {
        response: error === null ? COMPLETION : null,
        usage:
          error === null
            ? {
                inputTokens: 3,
                cachedInputTokens: 0,
                cacheWriteInputTokens: 0,
                outputTokens: 2,
                reasoningTokens: 0,
              }
            : null,
        error,
      },
      report: { ...target, health: "ok", blockedUntil: null, usedTokens: null, quotas: null },
    }
  })
  await queue.settle(settlements)
}
