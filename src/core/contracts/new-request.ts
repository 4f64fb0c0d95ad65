import * as z from "zod/mini"
import type { Config } from "../config.ts"
import { PRIORITIES, type RequestBody, type RequestHead, type WeightedTarget } from "../request.ts"
import { ORGANIZATION_ID, ORGANIZATION_ID_RULE } from "./access.ts"
import { CallbackBody, callbackProblems } from "./callback.ts"
import { characters } from "./characters.ts"
import { isObject, membersOf } from "./members.ts"
import { readMessages } from "./messages.ts"
import { check, MAX_PROBLEMS, type Path, type Problem, problem } from "./problem.ts"
import { Fallbacks, modelName, providerName, resolveTargets, targetProblems } from "./targets.ts"
import { explainUnknown } from "./unknown-member.ts"
import { whole } from "./whole.ts"

/** What the rules depend on, beside the body itself. */
export interface RequestRules {
  config: Pick<
    Config,
    "providers" | "routes" | "requestTimeoutMs" | "maxRetries" | "resultTtlSeconds" | "webhookAllowPrivate"
  >
  /** The caller's key is one organization's, or `*`: then the body must name one. */
  organizationId: string
  now: number
  newRequestId: () => string
}

/** A request as it is to be stored. `asked` is when the caller wants it, before the clock turned that into an instant. */
export interface RequestRead {
  head: RequestHead
  body: RequestBody
  /** Of a request with the provider `auto`: the targets of its route. */
  route?: WeightedTarget[]
  asked: { delayMs: number; scheduledAt: number | null }
}

export type ReadRequests = { requests: RequestRead[]; problems: [] } | { requests: null; problems: Problem[] }

/** The least and the longest that an attempt may have. */
export const TIMEOUT_MS = [1000, 600_000] as const
const MAX_BULK = 1000
const MAX_MESSAGES = 1000
const MAX_METADATA = 16
const MAX_AHEAD_MS = 30 * 86_400_000
/** Scores and deadlines are kept as integers of at most 14 digits. */
const LAST_INSTANT = 99_999_999_999_999

/** Set by the queue itself, or without a meaning in it. */
const RESERVED_OPTIONS: Record<string, string> = {
  model: "is not allowed here: use model",
  messages: "is not allowed here: use messages",
  system: 'is not allowed here: use a message with the role "system"',
  stream: "is not allowed: the answer is always kept whole",
  stream_options: "is not allowed: the answer is always kept whole",
  n: "is not allowed: one request has one answer",
}

const Options = z.record(z.string(), z.unknown()).check((context) => {
  for (const [name, error] of Object.entries(RESERVED_OPTIONS)) {
    if (!Object.hasOwn(context.value, name)) continue
    context.issues.push({ code: "custom", path: [name], message: error, input: context.value })
  }
})

export const Metadata = z.pipe(
  z.record(z.string(), z.unknown()).check(
    z.refine((pairs) => Object.keys(pairs).length <= MAX_METADATA, {
      error: `must be at most ${MAX_METADATA} pairs`,
      params: { maxProperties: MAX_METADATA },
    }),
  ),
  z.record(z.string().check(characters(0, 64)), z.string().check(characters(0, 512))),
)

const instant = z.nullable(whole(0, LAST_INSTANT))
export const Deadline = z.exactOptional(instant)

/** The body of `POST /v1/requests`; messages are read one by one. */
export const NewRequestBody = z.strictObject({
  provider: providerName,
  model: modelName,
  fallbacks: z._default(Fallbacks, []),
  messages: z.array(z.unknown()).check(z.minLength(1), z.maxLength(MAX_MESSAGES)),
  priority: z._default(z.enum(PRIORITIES), "normal"),
  organizationId: z.exactOptional(
    z.string().check(z.regex(ORGANIZATION_ID, { error: ORGANIZATION_ID_RULE })),
  ),
  options: z._default(Options, {}),
  providerOptions: z._default(Options, {}),
  timeoutMs: z.exactOptional(whole(...TIMEOUT_MS)),
  maxRetries: z.exactOptional(whole(0, 10)),
  delayMs: z.exactOptional(whole(0, MAX_AHEAD_MS)),
  scheduledAt: z.exactOptional(instant),
  deadlineAt: Deadline,
  resultTtlSeconds: z.exactOptional(whole(60, 2_592_000)),
  metadata: z._default(Metadata, {}),
  callback: z.exactOptional(z.nullable(CallbackBody)),
})

/** Reads one request's body, with the defaults filled in. All problems are found, not just the first. */
export function readRequest(value: unknown, rules: RequestRules, at: Path = []): ReadRequests {
  const read = check(NewRequestBody, value, at)
  // Of what is no object, no member is missing.
  if (read.value === null && !isObject(value)) return { requests: null, problems: read.problems }
  const members = membersOf(value)
  const known = Object.keys(NewRequestBody.shape)
  const problems = read.problems.map((found) => explainUnknown(found, known))
  const messages =
    Array.isArray(members.messages) && members.messages.length <= MAX_MESSAGES ? members.messages : []
  const chat = readMessages(messages, [...at, "messages"], MAX_PROBLEMS - problems.length)
  problems.push(...chat.problems, ...relations(members, rules, at))
  if (read.value === null || problems.length > 0) return { requests: null, problems }

  const {
    options,
    providerOptions,
    messages: _,
    organizationId = rules.organizationId,
    ...fields
  } = read.value
  const { provider, model, fallbacks, priority, deadlineAt = null, metadata, callback = null } = fields
  const { simulated, ...routed } = resolveTargets(fields, rules.config)
  const head: RequestHead = {
    requestId: rules.newRequestId(),
    ...{ provider, model, fallbacks, priority, organizationId },
    createdAt: rules.now,
    scheduledAt: dueAt(members, rules.now),
    deadlineAt,
    timeoutMs: fields.timeoutMs ?? rules.config.requestTimeoutMs,
    maxRetries: fields.maxRetries ?? rules.config.maxRetries,
    resultTtlSeconds: fields.resultTtlSeconds ?? rules.config.resultTtlSeconds,
    metadata,
    callback,
    batchId: null,
    simulated,
  }
  const body = { messages: chat.messages, options, providerOptions }
  const asked = { delayMs: fields.delayMs ?? 0, scheduledAt: fields.scheduledAt ?? null }
  return { requests: [{ head, body, ...routed, asked }], problems: [] }
}

/** The body of `POST /v1/requests/bulk`; requests are read one by one. */
export const BulkBody = z.strictObject({
  requests: z.array(z.unknown()).check(z.minLength(1), z.maxLength(MAX_BULK)),
})

/** Reads `{requests: [1..1000]}`; all or nothing. */
export function readBulk(value: unknown, rules: RequestRules): ReadRequests {
  const read = check(BulkBody, value)
  if (read.value === null) return { requests: null, problems: read.problems }
  const requests: RequestRead[] = []
  const problems: Problem[] = []
  for (const [i, entry] of read.value.requests.entries()) {
    const { requests: found, problems: wrong } = readRequest(entry, rules, ["requests", i])
    if (found === null) problems.push(...wrong)
    else requests.push(...found)
    if (problems.length > MAX_PROBLEMS) break
  }
  return problems.length > 0 ? { requests: null, problems } : { requests, problems: [] }
}

/** What no single member can tell. Looks at the raw members, since the others' problems must not hide these. */
function relations(members: Record<string, unknown>, rules: RequestRules, at: Path): Problem[] {
  const { delayMs, scheduledAt, deadlineAt, organizationId } = members
  const problems = targetProblems(members, rules.config, at)
  if (organizationId === undefined && rules.organizationId === "*") {
    problems.push(problem([...at, "organizationId"], "is required with a key for all organizations"))
  }
  if (delayMs !== undefined && typeof scheduledAt === "number") {
    problems.push(problem([...at, "delayMs"], "and scheduledAt exclude each other"))
  }
  if (typeof scheduledAt === "number" && scheduledAt > rules.now + MAX_AHEAD_MS) {
    problems.push(problem([...at, "scheduledAt"], "must be at most 30 days ahead"))
  }
  problems.push(...callbackProblems(members.callback, rules.config, [...at, "callback"]))
  problems.push(...checkDeadline(deadlineAt, dueAt(members, rules.now), rules.now, [...at, "deadlineAt"]))
  return problems
}

export function checkDeadline(deadlineAt: unknown, dueAt: number | null, now: number, at: Path): Problem[] {
  if (typeof deadlineAt !== "number") return []
  if (deadlineAt <= now) return [problem(at, "must not be past")]
  return deadlineAt < (dueAt ?? 0) ? [problem(at, "must not be before the request is due")] : []
}

/** When the request is first due; null: at once. */
function dueAt({ delayMs, scheduledAt }: Record<string, unknown>, now: number): number | null {
  if (typeof delayMs === "number" && delayMs > 0) return now + delayMs
  return typeof scheduledAt === "number" && scheduledAt > now ? scheduledAt : null
}
