import { PROBLEM_STATUS } from "../../../src/core/errors.ts"
import type { Answer, Sent } from "./worker.ts"

/** What an answer says is wrong, whoever's words it uses. */
export interface ToldProblem {
  /** undefined: in words that have none. */
  code: string | undefined
  detail: unknown
  errors: { path: string; message: unknown }[]
  /** OpenAI's way to say where. */
  param: string | null
  /** What is wrong with the telling itself. */
  complaints: string[]
}

const ACTION = /^\/api\/ai\/queue\/?$/
const OPENAI = /^\/v1\/(chat\/completions|models|responses|files|uploads|batches)(\/|$)/
const ANTHROPIC = /^\/v1\/messages(\/|$)/
const ANTHROPIC_TYPES: Record<number, string> = {
  ...{ 400: "invalid_request_error", 401: "authentication_error", 403: "permission_error" },
  ...{ 404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error" },
}

/** Reads an answer that tells an error as the callers of that path expect it. */
export function problemOf({ path }: Sent, { status, headers, json }: Answer): ToldProblem {
  const { pathname } = new URL(path, "http://queue.test")
  const complaints: string[] = []
  const expect = (isSo: boolean, what: string) => void (isSo || complaints.push(what))
  const isOwn = ![ACTION, OPENAI, ANTHROPIC].some((paths) => paths.test(pathname))
  const type = headers.get("content-type")
  expect(type === (isOwn ? "application/problem+json" : "application/json"), `the type ${type}`)
  if (isOwn || ACTION.test(pathname)) {
    const { code, errors = [] } = json ?? {}
    if (isOwn)
      expect(json?.type === "about:blank" && json.status === status && json.title !== "", "no problem")
    else expect(json?.success === false, "success is not false")
    expect((PROBLEM_STATUS as Record<string, number>)[code] === status, `the code ${code} with ${status}`)
    return { code, detail: isOwn ? json?.detail : json?.error, errors, param: null, complaints }
  }
  const error = json?.error ?? {}
  const told = { code: error.code, detail: error.message, errors: [], param: error.param ?? null, complaints }
  if (ANTHROPIC.test(pathname)) {
    const expected = ANTHROPIC_TYPES[status] ?? "invalid_request_error"
    expect(json?.type === "error" && error.type === expected, `the type ${error.type} with ${status}`)
    expect(json?.request_id === headers.get("x-request-id"), "another request_id")
    return told
  }
  expect(
    (PROBLEM_STATUS as Record<string, number>)[error.code] === status,
    `the code ${error.code} with ${status}`,
  )
  expect(typeof error.type === "string" && error.type !== "", "no type")
  expect(error.param === null || typeof error.param === "string", "no param")
  return told
}
