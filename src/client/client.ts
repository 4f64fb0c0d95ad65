import { AlertsClient } from "./alerts.ts"
import { AuditClient } from "./audit.ts"
import { shiftPaths, splitBulk } from "./bulk.ts"
import { DeliveriesClient } from "./deliveries.ts"
import { AIRequestQueueError } from "./error.ts"
import { historyQuery } from "./history.ts"
import { KeysClient } from "./keys.ts"
import { LeversClient } from "./levers.ts"
import { entriesOf, type PageOptions } from "./pages.ts"
import { queryOf } from "./query.ts"
import { membersOf, readRetryAfter } from "./read-error.ts"
import { readHeader, readKey, readUrl } from "./read-options.ts"
import { type SweepOptions, type SweepPageOptions, type SweepTotals, sweep, sweepPage } from "./sweep.ts"
import { type Answer, createTransport, type Fetch, type Transport } from "./transport.ts"
import type {
  CancelledRequest,
  EnqueuedRequest,
  FinishedRequest,
  History,
  HistoryOptions,
  ListedRequest,
  ListFilter,
  NewRequest,
  ProviderDetails,
  Pulse,
  QueueHealth,
  QueueStats,
  RequestFilter,
  RequestPage,
  StatusReply,
  SweepPage,
  SweepVerb,
  TenantStats,
} from "./types.ts"
import { type WaitOptions, waitFor } from "./wait-for.ts"

export * from "./error.ts"
export type { Page, PageOptions } from "./pages.ts"
export { addTotals, NO_TOTALS, type SweepOptions, type SweepPageOptions, type SweepTotals } from "./sweep.ts"
export type { Fetch } from "./transport.ts"
export type * from "./types.ts"
export type { WaitOptions } from "./wait-for.ts"

export interface ClientOptions {
  /** Where the queue's API is, such as `https://queue.example.com`; without `/v1`. */
  url: string
  /** `aiq_…`, or the admin key. Keep it out of web pages: whoever holds it can spend. */
  apiKey: string
  /** Default: the global one. With a service binding: `(url, init) => env.QUEUE.fetch(url, init)`. */
  fetch?: Fetch
  /** How long one HTTP call may take; default 30,000. Not how long a model may take: that is `timeoutMs` of a request. */
  timeoutMs?: number
  /** How often a call that may be repeated is; default 4. */
  maxRetries?: number
}

export interface EnqueueOptions {
  /**
   * 1 to 240 printable ASCII characters: repeated with the same key within 24 h, nothing is stored twice. Default: a
   * random one, which covers the client's own retries; after an error it is in `error.idempotencyKey`.
   */
  idempotencyKey?: string
  signal?: AbortSignal
}

/**
 * The queue's HTTP API. Works in Node 22 and newer, in browsers and in Workers, and depends on nothing.
 *
 * What may safely be repeated is, when it met 429, 502, 503, 504 or no answer at all: at most `maxRetries` times,
 * after as long as `Retry-After` asks for (over 30 s: not at all), else after 0.5 s, 1 s, 2 s, 4 s. That is every
 * reading call, `cancel`, `levers`, and, under an idempotency key, `enqueue` and `enqueueMany`. The rest is repeated only after
 * a 429. Errors are `AIRequestQueueError`.
 *
 * @example
 * const queue = new AIRequestQueueClient({ url: "https://queue.example.com", apiKey })
 * const { requestId } = await queue.enqueue({
 *   provider: "openai",
 *   model: "gpt-5-mini",
 *   messages: [{ role: "user", content: "What is ESG?" }],
 * })
 * const { state, response, error } = await queue.waitFor(requestId)
 */
export class AIRequestQueueClient {
  /** Issue, list and revoke API keys. */
  readonly keys: KeysClient
  /** See what has rung, and change the rules. */
  readonly alerts: AlertsClient
  /** Pause and resume, limits, shares, clean-up. */
  readonly levers: LeversClient
  /** Who did what. */
  readonly audit: AuditClient
  /** What became of callbacks. */
  readonly deliveries: DeliveriesClient
  readonly #transport: Transport
  readonly #timeoutMs: number

  /** Throws a `TypeError` for a URL or a key that cannot be one. */
  constructor(options: ClientOptions) {
    this.#timeoutMs = options.timeoutMs ?? 30_000
    this.#transport = createTransport({
      url: readUrl(options.url),
      apiKey: readHeader("apiKey", options.apiKey),
      fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
      timeoutMs: this.#timeoutMs,
      maxRetries: options.maxRetries ?? 4,
    })
    this.keys = new KeysClient(this.#transport)
    this.alerts = new AlertsClient(this.#transport)
    this.levers = new LeversClient(this.#transport)
    this.audit = new AuditClient(this.#transport)
    this.deliveries = new DeliveriesClient(this.#transport)
  }

  /** Stores one request. Codes of its errors: `invalid_request`, `queue_full`, `idempotency_mismatch` and others. */
  async enqueue(request: NewRequest, options: EnqueueOptions = {}): Promise<EnqueuedRequest> {
    const { value } = await this.#post(
      "/v1/requests",
      JSON.stringify(request),
      readKey(options),
      options.signal,
    )
    return value as EnqueuedRequest
  }

  /**
   * Stores many requests; the answers are in their order. Up to 1,000 (and 3.5 MB) are one call and stored all or
   * none. More go call by call, and when one fails, `error.enqueued` holds those of the calls before it: repeat the
   * whole list with `error.idempotencyKey` and only the rest is stored.
   */
  async enqueueMany(
    requests: readonly NewRequest[],
    options: EnqueueOptions = {},
  ): Promise<EnqueuedRequest[]> {
    const key = readKey(options)
    const enqueued: EnqueuedRequest[] = []
    for (const { offset, entries } of splitBulk(requests)) {
      const body = `{"requests":[${entries.join(",")}]}`
      try {
        const partKey = offset === 0 ? key : `${key}+${offset}`
        const { value } = await this.#post("/v1/requests/bulk", body, partKey, options.signal)
        enqueued.push(...(value as { requests: EnqueuedRequest[] }).requests)
      } catch (error) {
        if (!(error instanceof AIRequestQueueError)) throw error
        throw error.with({ idempotencyKey: key, enqueued, errors: shiftPaths(error.errors, offset) })
      }
    }
    return enqueued
  }

  /** How a request is doing; null when it is unknown, another organization's, or past its time to live. */
  async status(
    requestId: string,
    options: { includeMessages?: boolean; signal?: AbortSignal } = {},
  ): Promise<StatusReply | null> {
    const query = options.includeMessages ? "?include=messages" : ""
    return (await this.#look(requestId, query, options.signal)).request
  }

  /**
   * The request once it has ended, however it ended: look at its `state`. Where that may be soon, the answer is held
   * back until then, 20 s at a time; else it asks as often as `Retry-After` says. Errors: `wait_timeout` when it has not ended within `timeoutMs`, `not_found`.
   */
  async waitFor(requestId: string, options: WaitOptions = {}): Promise<FinishedRequest> {
    const look = (signal: AbortSignal | undefined, holdSeconds: number) =>
      this.#look(requestId, holdSeconds === 0 ? "" : `?wait=${holdSeconds}`, signal)
    return waitFor(requestId, look, options, this.#timeoutMs)
  }

  /**
   * Ends a request that nobody waits for any more; a running call is aborted. A failed one is discarded for good.
   * Errors: `conflict` when it is completed, `not_found`.
   */
  async cancel(requestId: string): Promise<CancelledRequest> {
    const { value } = await this.#transport({ method: "DELETE", path: pathOf(requestId), repeat: "always" })
    return value as CancelledRequest
  }

  /**
   * Tries a failed request again, with its retries and its age anew. Errors: `conflict` when it is not failed (as it
   * is after a lost answer, which is why this is not repeated), `not_found`.
   */
  async replay(requestId: string, options: { deadlineAt?: number } = {}): Promise<EnqueuedRequest> {
    const body = JSON.stringify(options)
    const path = `${pathOf(requestId)}/replay`
    const { value } = await this.#transport({ method: "POST", path, body, repeat: "refused" })
    return value as EnqueuedRequest
  }

  /**
   * Cancels all unfinished requests that the filter holds for, call by call. Errors: `invalid_request` for a filter
   * without any member, unless `all` is set.
   */
  cancelMany(filter: RequestFilter, options: SweepOptions = {}): Promise<SweepTotals> {
    return sweep(this.#transport, "cancel", filter, options)
  }

  /**
   * Tries all failed requests again that the filter holds for, and that had failed when it came to them first.
   *
   * @example
   * await queue.replayMany({ errorCode: "provider_auth" }, { onProgress: ({ done }) => console.log(done) })
   */
  replayMany(filter: RequestFilter, options: SweepOptions = {}): Promise<SweepTotals> {
    return sweep(this.#transport, "replay", filter, options)
  }

  /** Discards all failed requests that the filter holds for, for good. */
  discardMany(filter: RequestFilter, options: SweepOptions = {}): Promise<SweepTotals> {
    return sweep(this.#transport, "discard", filter, options)
  }

  /** One call of these three: go on with `nextCursor` until it is null. */
  sweepPage(verb: SweepVerb, filter: RequestFilter, options: SweepPageOptions = {}): Promise<SweepPage> {
    return sweepPage(this.#transport, verb, filter, options)
  }

  /**
   * All requests that the filter holds for, newest first, page by page as they are asked for.
   *
   * @example
   * for await (const request of queue.list({ state: "failed" })) await queue.replay(request.requestId)
   */
  list(filter: ListFilter = {}): AsyncGenerator<ListedRequest, void, void> {
    return entriesOf((options) => this.listPage({ ...filter, ...options }))
  }

  /** One page of that. */
  async listPage(options: ListFilter & PageOptions = {}): Promise<RequestPage> {
    return (await this.#get(`/v1/requests${queryOf(options)}`)) as RequestPage
  }

  /** Figures of the whole queue, or, with a tenant's key, counts of its own requests. */
  async stats(): Promise<QueueStats | TenantStats> {
    return (await this.#get("/v1/stats")) as QueueStats | TenantStats
  }

  /**
   * Figures of the past, by default of the last hour, minute by minute. Steps are multiples of 60 s, of spans that begin
   * more than a day ago whole hours; at most 1,500 of them. Needs a key for all organizations.
   */
  async history(options: HistoryOptions = {}): Promise<History> {
    return (await this.#get(`/v1/stats/history${historyQuery(options)}`)) as History
  }

  /** How the queue is doing right now, and what is wrong. Needs a key for all organizations. */
  async pulse(): Promise<Pulse> {
    return (await this.#get("/v1/pulse")) as Pulse
  }

  /** Whether the queue works; `down` is an answer, not an error. */
  async health(): Promise<QueueHealth> {
    const { value } = await this.#transport({
      ...{ method: "GET", path: "/v1/health", repeat: "always", accept: 503 },
    })
    if (typeof membersOf(value).status !== "string") {
      throw new AIRequestQueueError("invalid_answer", "The answer is none of the queue's: is the URL right?")
    }
    return value as QueueHealth
  }

  /** The configured providers with their limits and their state. Needs a key for all organizations. */
  async providers(): Promise<ProviderDetails[]> {
    return ((await this.#get("/v1/providers")) as { data: ProviderDetails[] }).data
  }

  async #get(path: string): Promise<unknown> {
    return (await this.#transport({ method: "GET", path, repeat: "always" })).value
  }

  async #post(path: string, body: string, idempotencyKey: string, signal?: AbortSignal): Promise<Answer> {
    try {
      return await this.#transport({ method: "POST", path, body, idempotencyKey, repeat: "always", signal })
    } catch (error) {
      if (!(error instanceof AIRequestQueueError)) throw error
      throw error.with({ idempotencyKey })
    }
  }

  async #look(requestId: string, query: string, signal: AbortSignal | undefined) {
    const path = pathOf(requestId) + query
    try {
      const { value, headers } = await this.#transport({ method: "GET", path, repeat: "always", signal })
      const retryAfterMs = readRetryAfter(headers.get("Retry-After"), Date.now())
      return { request: value as StatusReply, retryAfterMs }
    } catch (error) {
      if (!(error instanceof AIRequestQueueError) || error.code !== "not_found") throw error
      return { request: null, retryAfterMs: null }
    }
  }
}

function pathOf(requestId: string): string {
  return `/v1/requests/${encodeURIComponent(requestId)}`
}
