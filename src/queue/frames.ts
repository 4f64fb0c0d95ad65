import type { AttemptRecord, OutcomeResult } from "../core/outcome.ts"
import type { ChatCompletion, FinishedState, RequestBody, RequestHead, Usage } from "../core/request.ts"
import { unreadable } from "./formats.ts"
import { decodeRecord, type LiveRecord } from "./record.ts"
import { priorityOf } from "./score.ts"
import { askedOf } from "./targets.ts"

/** Of metadata that a callback goes along with. */
const CALLBACK_VERSION = "2"
/** Every stored value starts with its format's version, so that an older process refuses what it can't read. */
const VERSION = "1"

export function encodeBody(body: RequestBody): string {
  return VERSION + JSON.stringify(body)
}

/** What of a head has no place in the record; empty when there is nothing. */
export function encodeMetadata({ metadata, callback }: Pick<RequestHead, "metadata" | "callback">): string {
  if (callback !== null) return CALLBACK_VERSION + JSON.stringify({ metadata, callback })
  return Object.keys(metadata).length > 0 ? VERSION + JSON.stringify(metadata) : ""
}

function decodeMetadata(text: string): Pick<RequestHead, "metadata" | "callback"> {
  if (text.startsWith(CALLBACK_VERSION)) return JSON.parse(text.slice(CALLBACK_VERSION.length))
  return { metadata: decodeFrame(text) as RequestHead["metadata"], callback: null }
}

function decodeFrame(text: string): unknown {
  if (!text.startsWith(VERSION)) throw unreadable(`text ${text.slice(0, 4)}`)
  return JSON.parse(text.slice(VERSION.length))
}

/** The head of a request, from its record and the frame of its metadata (absent: it has none). */
export function readHead(
  requestId: string,
  record: LiveRecord,
  metadata: string | null | undefined,
): RequestHead {
  return {
    requestId,
    ...askedOf(record),
    priority: priorityOf(record.level),
    organizationId: record.organization,
    createdAt: record.createdAt || record.dueAt,
    scheduledAt: record.scheduledAt || null,
    deadlineAt: record.deadlineAt || null,
    timeoutMs: record.timeoutMs,
    maxRetries: record.maxRetries,
    resultTtlSeconds: record.resultTtlSeconds,
    ...(metadata ? decodeMetadata(metadata) : { metadata: {}, callback: null }),
    batchId: record.batch || null,
    simulated: record.simulated === 1,
  }
}

export function decodeBody(text: string): RequestBody {
  return decodeFrame(text) as RequestBody
}

/** A finished attempt as the history keeps it; its usage is kept where the outcome does not tell it. */
export type StoredAttempt = AttemptRecord & { usage?: Usage | null }

/** The fourth line of an outcome: all but the response, so that lists need not read that. */
export interface OutcomeSummary extends Omit<OutcomeResult, "response"> {
  attempt: AttemptRecord | null
}

/** How a request ended, and what it was. */
export interface StoredEnding {
  state: FinishedState
  /** The error code of a failure, else empty. */
  code: string
  expiresAt: number
  finishedAt: number
  organizationId: string
  /** The first line as stored, `2|state|code|expiresAt|finishedAt|organization|attempt`. */
  header: string
  /** The frame of its metadata, as stored; empty: it has none. */
  metadata: string
  record: LiveRecord
}

export interface StoredOutcome extends StoredEnding {
  summary: OutcomeSummary
  /** null also where the text was cut before it. */
  response: ChatCompletion | null
}

const OUTCOME_VERSION = "2"

/** Reads `outcome:<id>`: five lines, written by `lua/include/finish.lua`. The last may be cut off. */
export function decodeOutcome(text: string): StoredOutcome {
  const [, , , summary = "", response = ""] = text.split("\n")
  return {
    ...decodeEnding(text),
    summary: JSON.parse(summary) as OutcomeSummary,
    response: response.endsWith("}") ? parseResponse(response) : null,
  }
}

/** Its first three lines, whatever follows them. */
export function decodeEnding(text: string): StoredEnding {
  const [header = "", metadata = "", record = ""] = text.split("\n", 3)
  const [version, state, code = "", expiresAt, finishedAt, organizationId = ""] = header.split("|")
  if (version !== OUTCOME_VERSION) throw unreadable(`outcome ${header.slice(0, 4)}`)
  return {
    state: state as FinishedState,
    code,
    expiresAt: Number(expiresAt),
    finishedAt: Number(finishedAt),
    organizationId,
    header,
    metadata,
    record: decodeRecord(record),
  }
}

function parseResponse(text: string): ChatCompletion | null {
  try {
    return JSON.parse(text) as ChatCompletion
  } catch {
    return null
  }
}
