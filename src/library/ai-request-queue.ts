import {
  type AIRequest,
  type Answer,
  type AuditEntry,
  type FailureReport,
  openQueue,
  type QueueServices,
  type QueueStats,
  reportCancelled,
  type StatusReply,
  toAIRequest,
} from "../compose.ts"
import { checkWhole } from "../core/check-whole.ts"
import type { Config } from "../core/config.ts"
import { checkDeadline } from "../core/contracts/new-request.ts"
import { CleanupBody } from "../core/contracts/parameters.ts"
import { check, invalid } from "../core/contracts/problem.ts"
import { AppError } from "../core/errors.ts"
import { isRequestId } from "../core/ids.ts"
import { type AIRequestQueueOptions, readSettings } from "../core/library-settings.ts"
import { quietLog } from "../core/log.ts"
import type { RequestStatus } from "../core/outcome.ts"
import type { ChatMessage, FinishedState } from "../core/request.ts"
import type { AskedRequest } from "../core/request-options.ts"
import { Attempts } from "./attempts.ts"
import { Dequeuer } from "./dequeue.ts"
import type { AttemptOf } from "./held.ts"
import { type CallOptions, type EnqueueOptions, enqueueBody } from "./new-request.ts"
import { type WaitOptions, waitUntilFinished } from "./wait-for.ts"

const MAX_DEQUEUED = 1000

/**
 * The queue as a class: for Node services and Workers that use it without the HTTP API, beside the deployed Worker
 * and each other. Settings come from the Worker's variables. What fails on purpose is an `AppError` with a `code`;
 * every method also throws `store_unavailable` when the store stays away for several tries. All may be repeated.
 *
 * @example
 * ```ts
 * const queue = new AIRequestQueue({ redis: { url, token }, queueName: "default" })
 * const requestId = await queue.enqueue("openai", "gpt-5-mini", [{ role: "user", content: "What is ESG?" }], {
 *   priority: "high",
 * })
 * const { response } = await queue.waitFor(requestId, { timeoutMs: 60_000 })
 * ```
 */
export class AIRequestQueue {
  readonly #config: Config
  readonly #dequeuer: Dequeuer
  readonly #attempts = new Attempts(() => this.#services)
  #opened: QueueServices | null = null

  /** Makes no call. Throws `SettingsError`, which names the variable or argument that is missing or wrong. */
  constructor(options: AIRequestQueueOptions = {}) {
    const { config, name } = readSettings(options)
    this.#config = config
    this.#dequeuer = new Dequeuer(name)
  }

  /**
   * Stores a request; one round trip. Throws `invalid_request`, `provider_not_configured` or `not_supported` with
   * `errors: [{path, message}]`, `too_large`, `queue_full`, and `idempotency_mismatch` for a key that stood for another
   * request. After `store_unavailable` it may have been stored: `extra` holds `requestId` and `maybeStored`.
   *
   * @example
   * ```ts
   * const options = { organizationId: "org-123", maxRetries: 5, idempotencyKey: order.id }
   * const requestId = await queue.enqueue("anthropic", "claude-sonnet-5", messages, options)
   * ```
   */
  async enqueue(
    provider: string,
    model: string,
    messages: ChatMessage[],
    { idempotencyKey, traceparent, ...options }: EnqueueOptions = {},
  ): Promise<string> {
    const body = { ...options, provider, model, messages }
    const [requestId] = await enqueueBody(this.#services, "one", body, { idempotencyKey, traceparent })
    if (requestId === undefined) throw new AppError("internal", "A reply without its request.")
    return requestId
  }

  /**
   * Stores 1 to 1,000 requests, all or none; one round trip. Ids in order. Throws as `enqueue`, with paths such as
   * `/requests/3/model`.
   *
   * @example
   * ```ts
   * const ids = await queue.enqueueMany(texts.map((content) => ({ provider, model, messages: [{ role: "user", content }] })))
   * ```
   */
  async enqueueMany(requests: AskedRequest[], call: CallOptions = {}): Promise<string[]> {
    return enqueueBody(this.#services, "many", { requests }, call)
  }

  /**
   * Takes the next request of all lines under a lease of `MAX_PROCESSING_TIME_MS` and 35 s, or more with a longer
   * timeout; null when none may start. Settle it with `complete` or `fail`. Two round trips, one when there is none.
   *
   * @example
   * ```ts
   * const request = await queue.dequeue()
   * if (request) await queue.complete(request.requestId, await ask(request.target, request.messages))
   * ```
   */
  async dequeue(): Promise<AIRequest | null> {
    const [request = null] = await this.dequeueMany(1)
    return request
  }

  /**
   * Takes up to `count` (1 to 1,000) requests at once, best first; fewer when no more may start, or their messages
   * exceed 4 MiB. Costs as much as one `dequeue` in round trips.
   *
   * @example
   * ```ts
   * for (const request of await queue.dequeueMany(20)) void work(request)
   * ```
   */
  async dequeueMany(count: number): Promise<AIRequest[]> {
    checkWhole("count", count, MAX_DEQUEUED)
    const claimed = await this.#dequeuer.claim(this.#services, count)
    this.#attempts.began(claimed)
    return claimed.map(toAIRequest)
  }

  /**
   * Records the answer; one round trip, two with an `attempt` of another process. False when another had the last word:
   * the request was cancelled, or has its outcome. Throws `NotLeasedError` without a lease or an attempt,
   * `invalid_request` for what is no answer, `too_large`, and `not_found`.
   *
   * @example
   * ```ts
   * await queue.complete(request.requestId, "ESG stands for …")
   * await queue.complete(requestId, completion, { attempt: 2 }) // dequeued by another process
   * ```
   */
  async complete(requestId: string, response: string | Answer, by?: AttemptOf): Promise<boolean> {
    return this.#attempts.complete(requestId, response, by)
  }

  /**
   * Records that the attempt failed; one round trip, two with an `attempt` of another process. True when the request
   * will be tried again: after a backoff, within its deadline and `maxRetries`. Throws as `complete`.
   *
   * @example
   * ```ts
   * const isRetried = await queue.fail(request.requestId, { code: "provider_rate_limited", retryAfterMs: 2000 })
   * ```
   */
  async fail(requestId: string, error: string | Error | FailureReport, by?: AttemptOf): Promise<boolean> {
    return this.#attempts.fail(requestId, error, by)
  }

  /**
   * Makes a lease last for `ms` from now (at most an hour), if it does not already. False when it is no longer held, as
   * of a request that was cancelled: stop working on it. One round trip. Throws `NotLeasedError`.
   *
   * @example
   * ```ts
   * if (!(await queue.extendLease(request.requestId, 120_000))) controller.abort()
   * ```
   */
  async extendLease(requestId: string, ms: number): Promise<boolean> {
    return this.#attempts.extend(requestId, ms)
  }

  /**
   * Ends a request that nobody waits for, or discards a dead letter. `completed`: it was too late for that. One round
   * trip, two for a dead letter.
   *
   * @example
   * ```ts
   * if ((await queue.cancel(requestId)) === "completed") use(await queue.getRequestStatus(requestId))
   * ```
   */
  async cancel(requestId: string): Promise<"cancelled" | "discarded" | "completed" | "unknown"> {
    if (!isRequestId(requestId)) return "unknown"
    const services = this.#services
    const reply = await services.queue.cancel(requestId, null, this.#audit("request.cancelled", requestId))
    reportCancelled(services, requestId, reply)
    void services.tracing?.flushSoon()
    return reply.kind
  }

  /**
   * Starts a failed request anew, with its history; a deadline only where a new one is given. `conflict`: it has not
   * failed.
   *
   * @example
   * ```ts
   * await queue.replay(requestId, { deadlineAt: Date.now() + 3_600_000 })
   * ```
   */
  async replay(
    requestId: string,
    { deadlineAt = null }: { deadlineAt?: number | null } = {},
  ): Promise<"replayed" | "conflict" | "unknown"> {
    if (!isRequestId(requestId)) return "unknown"
    const { queue, clock } = this.#services
    const problems = checkDeadline(deadlineAt, null, clock(), ["deadlineAt"])
    if (problems.length > 0) throw invalid("The replay", problems)
    const audit = this.#audit("request.replayed", requestId)
    return (await queue.replay(requestId, null, { deadlineAt }, audit)).kind
  }

  /**
   * All that is known of a request; null when it is unknown or past its time to live. One round trip.
   *
   * @example
   * ```ts
   * const status = await queue.getRequestStatus(requestId)
   * console.log(status?.state, status?.response?.choices[0]?.message.content)
   * ```
   */
  async getRequestStatus(
    requestId: string,
    options: { includeMessages?: boolean } = {},
  ): Promise<StatusReply | null> {
    return isRequestId(requestId) ? this.#services.queue.status(requestId, null, options) : null
  }

  /** Counts, throughput, waits and providers of the whole queue; one round trip. */
  async getQueueStats(): Promise<QueueStats> {
    return this.#services.queue.stats()
  }

  /**
   * Removes index entries past their time to live; with `olderThanSeconds` also what finished longer ago than that.
   * Time to live does the daily work, so nothing depends on it.
   */
  async cleanup(olderThanSeconds?: number): Promise<Record<FinishedState, number>> {
    const read = check(CleanupBody, olderThanSeconds === undefined ? {} : { olderThanSeconds })
    if (read.value === null) throw invalid("The clean-up", read.problems)
    const { access, queue } = this.#services
    await access.audit(this.#audit("queue.cleaned", null))
    return queue.cleanup(olderThanSeconds ?? null)
  }

  /**
   * The request once it has ended: completed, failed or cancelled. Asks at once, then ever less often, from 250 ms up
   * to 5 s, or for when it is due or expected to start; each look is a `getRequestStatus`. Throws `WaitTimeoutError`,
   * `not_found`, or the signal's reason.
   *
   * @example
   * ```ts
   * const { state, response, error } = await queue.waitFor(requestId, { timeoutMs: 120_000, signal })
   * ```
   */
  async waitFor(requestId: string, options: WaitOptions = {}): Promise<RequestStatus> {
    const read = () => this.getRequestStatus(requestId)
    return waitUntilFinished(read, requestId, options, this.#services.clock)
  }

  /** Opened when first used, so that a Worker can have one outside of its handlers. */
  get #services(): QueueServices {
    this.#opened ??= openQueue(this.#config, undefined, quietLog)
    return this.#opened
  }

  #audit(action: string, target: string | null): AuditEntry {
    return { at: this.#services.clock(), action, target, keyId: null, organizationId: null, ip: null }
  }
}
