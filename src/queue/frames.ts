import { AppError } from "../core/errors.ts"
import type { AttemptRecord, OutcomeResult } from "../core/outcome.ts"
import type { ChatCompletion, FinishedState, RequestBody, RequestHead, Usage } from "../core/request.ts"
import { decodeRecord, type LiveRecord } from "./record.ts"

/** Every stored value starts with its format's version, so that an older process refuses what it can't read. */
const VERSION = "1"

export function encodeFrame(value: RequestHead | RequestBody): string {
  return VERSION + JSON.stringify(value)
}

function decodeFrame(text: string): unknown {
  if (!text.startsWith(VERSION)) throw newerFormat(text.slice(0, 4))
  return JSON.parse(text.slice(VERSION.length))
}

/** Heads from before there were fallbacks have none. */
export function decodeHead(text: string): RequestHead {
  return { fallbacks: [], ...(decodeFrame(text) as Omit<RequestHead, "fallbacks">) }
}

export function decodeBody(text: string): RequestBody {
  return decodeFrame(text) as RequestBody
}

export function newerFormat(found: string): AppError {
  return new AppError(
    "store_unavailable",
    `The queue holds data of a newer format (${found}): deploy a newer version.`,
  )
}

/** A finished attempt as the history keeps it; its usage is kept where the outcome does not tell it. */
export type StoredAttempt = AttemptRecord & { usage?: Usage | null }

/** The fourth line of an outcome: all but the response, so that lists need not read that. */
export interface OutcomeSummary extends Omit<OutcomeResult, "response"> {
  attempt: AttemptRecord | null
}

export interface StoredOutcome {
  state: FinishedState
  /** The error code of a failure, else empty. */
  code: string
  expiresAt: number
  finishedAt: number
  organizationId: string
  /** The first line as stored, `1|state|code|expiresAt|finishedAt|organization|attempt`. */
  header: string
  head: RequestHead
  record: LiveRecord
  summary: OutcomeSummary
  /** null also where the text was cut before it. */
  response: ChatCompletion | null
}

/** Reads `outcome:<id>`: five lines, written by `lua/include/finish.lua`. The last may be cut off. */
export function decodeOutcome(text: string): StoredOutcome {
  const [header = "", head = "", record = "", summary = "", response = ""] = text.split("\n")
  const [version, state, code = "", expiresAt, finishedAt, organizationId = ""] = header.split("|")
  if (version !== VERSION) throw newerFormat(header.slice(0, 4))
  return {
    state: state as FinishedState,
    code,
    expiresAt: Number(expiresAt),
    finishedAt: Number(finishedAt),
    organizationId,
    header,
    head: decodeHead(head),
    record: decodeRecord(record),
    summary: JSON.parse(summary) as OutcomeSummary,
    response: response.endsWith("}") ? parseResponse(response) : null,
  }
}

function parseResponse(text: string): ChatCompletion | null {
  try {
    return JSON.parse(text) as ChatCompletion
  } catch {
    return null
  }
}
