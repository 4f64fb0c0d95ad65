import { createIdGenerator } from "../../src/core/ids.ts"
import type { Log } from "../../src/core/log.ts"
import type { AttemptRecord, ErrorCode, OutcomeResult, RequestError } from "../../src/core/outcome.ts"
import type {
  ChatCompletion,
  RequestBody,
  RequestHead,
  Usage,
  WeightedTarget,
} from "../../src/core/request.ts"
import type { QueueSettings } from "../../src/queue/context.ts"
import type {
  Claim,
  ClaimedRequest,
  ClaimOptions,
  Decision,
  NewRequest,
  Overdue,
  RequestQueue,
  Settlement,
  TargetReport,
} from "../../src/queue/contract.ts"
import { createKeys, type Keys } from "../../src/queue/keys.ts"
import { createQueue } from "../../src/queue/queue.ts"
import type { RawRedis, TestStore } from "./store.ts"

/** Epoch ms, and how far it can be moved. It stands still by itself. */
export interface TestClock {
  (): number
  set(at: number): void
  advance(byMs: number): void
}

export interface TestQueue extends RequestQueue {
  readonly name: string
  readonly keys: Keys
  readonly clock: TestClock
  readonly settings: QueueSettings
  /** Straight to the store. */
  readonly redis: RawRedis
  newRequest(overrides?: RequestOverrides): NewRequest
  /** Enqueues one call per request and gives their ids, in order. */
  enqueueEach(...overrides: RequestOverrides[]): Promise<string[]>
  /** A claim by the owner `drain`, of up to 100 requests, unless told otherwise. */
  take(options?: Partial<ClaimOptions>): Promise<Claim>
  /** Claims exactly one request, and throws when there is none. */
  takeOne(options?: Partial<ClaimOptions>): Promise<ClaimedRequest>
  /** Another process on the same queue: other settings, perhaps another clock. */
  sibling(options?: Omit<TestQueueOptions, "name">): TestQueue
}

export interface TestQueueOptions {
  name?: string
  clock?: TestClock
  random?: () => number
  settings?: Partial<QueueSettings>
  log?: Log
}

/** Fields of the head, and of the body: `text` is the one user message. `route` as in `NewRequest`. */
export interface RequestOverrides extends Partial<RequestHead>, Partial<RequestBody> {
  text?: string
  route?: WeightedTarget[]
}

const DEFAULT_SETTINGS: QueueSettings = {
  maxProcessingTimeMs: 60_000,
  retryPenaltyMs: 60_000,
  deadLetterTtlSeconds: 1_209_600,
  maxPending: 500_000,
  maxPendingPerOrganization: 100_000,
  maxPendingAgeSeconds: 604_800,
  // Fairness and limits have their own tests.
  fairShareMs: 0,
  limits: {},
  commandBudget: null,
  providers: ["openai", "anthropic", "deepseek"],
}

let queues = 0

/** Starts at the real time, because Redis lets keys expire by its own clock. */
export function createTestClock(at = Date.now()): TestClock {
  let now = at
  const clock = () => now
  return Object.assign(clock, {
    set: (to: number) => {
      now = to
    },
    advance: (byMs: number) => {
      now += byMs
    },
  })
}

/** A queue of its own name, so that suites can share a store; its clock stands still. */
export function createTestQueue(store: TestStore, options: TestQueueOptions = {}): TestQueue {
  queues += 1
  // Without chance the store is asked again at once.
  const { name = `test-${queues}`, clock = createTestClock(), random = () => 0 } = options
  const settings = { ...DEFAULT_SETTINGS, ...options.settings }
  const { url, token, redis } = store
  const queue = createQueue({
    redis: { url, token },
    queueName: name,
    settings,
    clock,
    random,
    ...(options.log && { log: options.log }),
  })
  const newId = createIdGenerator(clock)
  const build = (overrides: RequestOverrides = {}) =>
    newRequest({ requestId: newId(), createdAt: clock(), ...overrides })
  const take = (claimOptions: Partial<ClaimOptions> = {}) => queue.claim({ ...CLAIM, ...claimOptions })
  return {
    ...queue,
    ...{ name, clock, settings, redis },
    keys: createKeys(name),
    newRequest: build,
    enqueueEach: async (...all) => {
      const ids: string[] = []
      for (const overrides of all) {
        const request = build(overrides)
        await queue.enqueue([request])
        ids.push(request.head.requestId)
      }
      return ids
    },
    take,
    takeOne: async (claimOptions = {}) => {
      const [only] = (await take({ limit: 1, ...claimOptions })).requests
      if (only === undefined) throw new Error("nothing could be claimed")
      return only
    },
    sibling: (other = {}) => createTestQueue(store, { clock, settings, random, ...other, name }),
  }
}

/** What a claim asks for when a test does not care. */
export const CLAIM: ClaimOptions = {
  owner: "drain",
  limit: 100,
  maxBytes: 16 * 1024 * 1024,
  maxTimeoutMs: 600_000,
}

const newIdNow = createIdGenerator(() => Date.now())

/** A valid request; times are the real time unless given. */
export function newRequest(overrides: RequestOverrides = {}): NewRequest {
  const { text = "What is an edge queue?", messages, options, providerOptions, route, ...head } = overrides
  return {
    ...(route && { route }),
    head: {
      requestId: head.requestId ?? newIdNow(),
      provider: "openai",
      model: "gpt-test",
      fallbacks: [],
      priority: "normal",
      organizationId: "org-1",
      createdAt: Date.now(),
      scheduledAt: null,
      deadlineAt: null,
      timeoutMs: 30_000,
      maxRetries: 3,
      resultTtlSeconds: 86_400,
      metadata: {},
      callback: null,
      batchId: null,
      simulated: false,
      ...head,
    },
    body: {
      messages: messages ?? [{ role: "user", content: text }],
      options: options ?? {},
      providerOptions: providerOptions ?? {},
    },
  }
}

export interface SettlementOptions {
  /** Of a retry: when it is due. Default: one second after the attempt's end. */
  dueAt?: number
  /** The error of a failure, a retry or a return. Default `provider_unavailable`. */
  code?: ErrorCode
  /** When the attempt ended. Default: when it started. */
  finishedAt?: number
  usage?: Usage | null
  response?: ChatCompletion
  /** Beyond `health`: what the call told of its target. */
  report?: Partial<TargetReport>
}

/** What a drain settles of a claimed request, or of an overdue one (which can only fail). */
export function settlement(
  claimed: ClaimedRequest | Overdue,
  kind: Decision["kind"],
  options: SettlementOptions = {},
): Settlement {
  if (!("head" in claimed)) return settleOverdue(claimed)
  const finishedAt = options.finishedAt ?? claimed.startedAt
  const isSuccess = kind === "completed"
  const error = isSuccess || kind === "release" ? null : requestError(options.code ?? "provider_unavailable")
  const attempt = kind === "release" ? null : attemptOf(claimed, kind, finishedAt, error)
  const result: OutcomeResult = {
    response: isSuccess ? (options.response ?? completion(`answer to ${claimed.lease.requestId}`)) : null,
    usage: options.usage === undefined ? (isSuccess ? USAGE : null) : options.usage,
    error,
  }
  const decision: Decision = kind === "retry" ? { kind, dueAt: options.dueAt ?? finishedAt + 1000 } : { kind }
  const report = attempt && {
    ...claimed.target,
    ...{ health: isSuccess ? ("ok" as const) : ("unknown" as const), blockedUntil: null },
    ...{ usedTokens: null, quotas: null },
    ...options.report,
  }
  return { lease: claimed.lease, decision, attempt, result, report }
}

function settleOverdue({ lease, reason }: Overdue): Settlement {
  const result = { response: null, usage: null, error: requestError(reason) }
  return { lease, decision: { kind: "failed" }, attempt: null, result, report: null }
}

const ATTEMPT_RESULTS = {
  completed: "completed",
  failed: "failed",
  retry: "retry",
  return: "retry",
  release: "retry",
  note: "cancelled",
} as const satisfies Record<Decision["kind"], AttemptRecord["result"]>

function attemptOf(
  { lease, target, startedAt }: ClaimedRequest,
  kind: Decision["kind"],
  finishedAt: number,
  error: RequestError | null,
): AttemptRecord {
  return {
    number: lease.attempt,
    ...target,
    startedAt,
    finishedAt,
    result: ATTEMPT_RESULTS[kind],
    error,
    status: error === null ? 200 : error.status,
    providerRequestId: `vendor-${lease.attempt}`,
    possiblyBilled: error?.code === "timeout",
  }
}

function requestError(code: ErrorCode): RequestError {
  const status = code === "provider_unavailable" ? 503 : null
  return { code, message: `It was ${code}.`, retryable: code !== "provider_rejected", status }
}

export const USAGE: Usage = {
  inputTokens: 11,
  cachedInputTokens: 3,
  cacheWriteInputTokens: 0,
  outputTokens: 7,
  reasoningTokens: 2,
}

export function completion(content: string): ChatCompletion {
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1_790_000_000,
    model: "gpt-test-2026",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
  }
}
