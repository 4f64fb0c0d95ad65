import * as z from "zod/mini"
import { isRequestId } from "../ids.ts"
import { ERROR_CODES } from "../outcome.ts"
import { PRIORITIES, STATES } from "../request.ts"
import { ORGANIZATION_ID, ORGANIZATION_ID_RULE } from "./access.ts"
import { Deadline } from "./new-request.ts"
import { modelName, providerName } from "./targets.ts"
import { whole } from "./whole.ts"

// The small bodies, and queries, whose values are text.

/** The body of `POST /v1/requests/{requestId}/replay`, which may be missing. */
export const ReplayBody = z.strictObject({ deadlineAt: Deadline })

const MAX_AGE_SECONDS = 10 * 366 * 86_400
/** The body of `POST /v1/cleanup`, which may be missing. */
export const CleanupBody = z.strictObject({
  olderThanSeconds: z.exactOptional(whole(0, MAX_AGE_SECONDS)),
})

const WEIGHT_RULE = "must be a number from 0.1 to 100, with one decimal at most"
const isWeight = (value: number) => value >= 0.1 && value <= 100 && Math.round(value * 10) / 10 === value
/** The body of `PATCH /v1/organizations/{organizationId}`. */
export const WeightBody = z.strictObject({
  weight: z
    .number({ error: WEIGHT_RULE })
    .check(
      z.refine(isWeight, { error: WEIGHT_RULE, params: { minimum: 0.1, maximum: 100, multipleOf: 0.1 } }),
    ),
})

export function wholeText(minimum: number, maximum: number) {
  const error = `must be a whole number from ${minimum} to ${maximum}`
  const isInRange = (text: string) =>
    /^\d{1,15}$/.test(text) && Number(text) >= minimum && Number(text) <= maximum
  const params = { type: "integer", minimum, maximum }
  return z.pipe(z.string().check(z.refine(isInRange, { error, params })), z.transform(Number))
}

/** What requests are chosen by: in lists, and to do something with all of them. */
export const filterMembers = {
  state: z.exactOptional(z.enum(STATES)),
  organizationId: z.exactOptional(
    z.string().check(z.regex(ORGANIZATION_ID, { error: ORGANIZATION_ID_RULE })),
  ),
  provider: z.exactOptional(providerName),
  model: z.exactOptional(modelName),
  priority: z.exactOptional(z.enum(PRIORITIES)),
  errorCode: z.exactOptional(z.enum(ERROR_CODES)),
}

export const ListQuery = z.strictObject({
  ...filterMembers,
  limit: z._default(wholeText(1, 100), 20),
  cursor: z.exactOptional(
    z.string().check(z.refine(isRequestId, { error: "must be the nextCursor of an earlier page" })),
  ),
})

/** A client waits no longer than that for one answer; proxies seldom allow more. */
export const MAX_WAIT_SECONDS = 60

export const StatusQuery = z.strictObject({
  include: z.exactOptional(z.enum(["messages"])),
  wait: z.exactOptional(wholeText(0, MAX_WAIT_SECONDS)),
})

const DAY_SECONDS = 86_400
const STEP_RULE = `must be a multiple of 60 from 60 to ${DAY_SECONDS}: seconds`
const isStep = (text: string) =>
  /^[1-9]\d{1,4}$/.test(text) && Number(text) % 60 === 0 && Number(text) <= DAY_SECONDS
const stepParams = { type: "integer", minimum: 60, maximum: DAY_SECONDS, multipleOf: 60 }
const Instant = wholeText(0, 99_999_999_999_999)
/** `GET /v1/stats/history`. */
export const HistoryQuery = z.strictObject({
  from: z.exactOptional(Instant),
  to: z.exactOptional(Instant),
  step: z._default(
    z.pipe(z.string().check(z.refine(isStep, { error: STEP_RULE, params: stepParams })), z.transform(Number)),
    60,
  ),
})

/** `GET /api/ai/queue?action=cleanup`. */
export const CleanupQuery = z.object({
  olderThanSeconds: z.exactOptional(wholeText(0, MAX_AGE_SECONDS)),
})

/** An entry's id in the stream, whose halves have 64 bits: Redis refuses greater ones, and what lies before 0-0. */
const AUDIT_CURSOR = /^[1-9]\d{0,18}-\d{1,19}$/

/** `GET /v1/audit`. */
export const AuditQuery = z.strictObject({
  limit: z._default(wholeText(1, 100), 20),
  cursor: z.exactOptional(
    z.string().check(z.regex(AUDIT_CURSOR, { error: "must be the nextCursor of an earlier page" })),
  ),
})
