import type { ChatCompletion, RequestBody, Usage } from "../core/request.ts"
import type { LimitHeaders } from "./quotas.ts"

/** What an error answer means, whoever it came from. `failures.ts` says what follows from each. */
export type Problem =
  | "rejected"
  | "auth"
  | "quota"
  | "region"
  | "rate_limited"
  | "overloaded"
  | "unavailable"
  | "try_again"
  | "invalid_response"

/** A vendor's error, understood. */
export interface ErrorReport {
  problem: Problem
  /** The vendor's own words; shown only for `rejected`, and redacted. */
  vendorText: string
  /** From the body, where headers hold none. */
  requestId: string | null
}

/** What one event of a stream came to; an object is an error that the vendor reports after its 200. */
export type Progress = "content" | "nothing" | "end" | ErrorReport

/** Puts the events of one answer together. What it cannot read, it throws on. */
export interface Assembly {
  /** The data of one server-sent event. */
  take(data: string): Progress
  /** A whole answer in JSON, from an endpoint that does not stream. */
  takeWhole(json: string): Progress
  /** What came so far, UTF-16 units: never more than the bytes of the finished answer. */
  readonly size: number
  /** The visible text so far. */
  readonly text: string
  /** Tokens known so far; null when nothing is known. */
  readonly usage: Usage | null
  /** The whole answer; null while the vendor has said neither why it stopped nor that it is done. */
  finish(): ChatCompletion | null
}

/** All that differs between vendors; `callProvider` does the rest. */
export interface Wire {
  url: string
  headers: Record<string, string>
  /** It is not the vendor itself that is called, and what is may go on with a trace. */
  isGateway?: boolean
  /** Response headers that may hold the vendor's id of the call, best first. */
  requestIdHeaders: readonly string[]
  limitHeaders: LimitHeaders
  buildRequest(model: string, body: RequestBody): Record<string, unknown>
  startAssembly(model: string): Assembly
  explainError(status: number, body: string): ErrorReport
}
