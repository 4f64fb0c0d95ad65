import { isObject, membersOf } from "../core/contracts/members.ts"
import type { ReadRequests } from "../core/contracts/new-request.ts"
import type { Path } from "../core/contracts/problem.ts"
import type { RequestStatus } from "../core/outcome.ts"
import { readChatBody, toChatCompletion } from "../dialects/openai-chat.ts"
import { explainEnd } from "../dialects/openai-errors.ts"
import { toResponse } from "../dialects/openai-response-output.ts"
import { readResponseBody } from "../dialects/openai-responses.ts"
import type { DialectRules } from "../dialects/rules.ts"
import type { EndedLine, Envelope, LineEnd, LineFormat, LineProblem } from "./line-format.ts"

const MAX_CUSTOM_ID = 512

/** What a batch can ask for, by its endpoint. */
interface Endpoint {
  read(body: unknown, rules: DialectRules, at: Path): ReadRequests
  answer(status: RequestStatus): object | null
}

const ENDPOINTS: Record<string, Endpoint> = {
  "/v1/chat/completions": { read: readChatBody, answer: toChatCompletion },
  "/v1/responses": { read: readResponseBody, answer: toResponse },
}

export const OPENAI_ENDPOINTS = Object.keys(ENDPOINTS)

/** The lines of OpenAI's batches. `endpoint`: one of OPENAI_ENDPOINTS. */
export function openAiLines(endpoint: string): LineFormat {
  const { read, answer } = ENDPOINTS[endpoint] ?? { read: readChatBody, answer: toChatCompletion }
  return {
    isStrict: true,
    hasErrorFile: true,
    readEnvelope: (value) => readEnvelope(value, endpoint),
    readBody: read,
    bodyName: "body",
    tell: ({ customId, requestId, end }: EndedLine) => ({
      id: requestId.replace(/^req_/, "batch_req_"),
      custom_id: customId,
      ...tellEnd(end, requestId, answer),
    }),
  }
}

function readEnvelope(value: unknown, endpoint: string): Envelope {
  if (!isObject(value)) {
    const message = "The line must be a JSON object."
    return { customId: null, body: null, problems: [{ code: "invalid_json_line", message, param: null }] }
  }
  const { custom_id, method, url, body } = membersOf(value)
  const problems: LineProblem[] = []
  const missing = (param: string) =>
    problems.push({ code: "missing_required_parameter", message: `${param} is required.`, param })
  const isTelling = typeof custom_id === "string" && custom_id !== "" && custom_id.length <= MAX_CUSTOM_ID
  if (custom_id === undefined) missing("custom_id")
  else if (!isTelling) {
    const message = `custom_id must be a string of 1 to ${MAX_CUSTOM_ID} characters.`
    problems.push({ code: "invalid_custom_id", message, param: "custom_id" })
  }
  if (method === undefined) missing("method")
  else if (method !== "POST") {
    problems.push({ code: "invalid_method", message: "method must be POST.", param: "method" })
  }
  if (url === undefined) missing("url")
  else if (url !== endpoint) {
    const message = `url must be the batch's endpoint, ${endpoint}.`
    problems.push({ code: "mismatched_endpoint", message, param: "url" })
  }
  if (body === undefined) missing("body")
  return { customId: isTelling ? custom_id : null, body, problems }
}

type Told = { response: object | null; error: { code: string; message: string } | null }

function tellEnd(end: LineEnd, requestId: string, answer: Endpoint["answer"]): Told {
  switch (end.kind) {
    case "completed":
      return {
        response: { status_code: 200, request_id: requestId, body: answer(end.status) },
        error: null,
      }
    case "failed":
      return tellFailure(end.status, requestId)
    case "expired":
      return failure("batch_expired", "The completion window ended before this request was executed.")
    case "cancelled":
      return failure("batch_cancelled", "The batch was cancelled before this request was executed.")
    case "refused":
      return failure("invalid_request", "The body of this request could not be read.")
    case "lost":
      return failure("internal", "The outcome of this request is not kept any more.")
  }
}

/** What the provider itself refused looks as it would have without a batch. */
function tellFailure(status: RequestStatus, requestId: string): Told {
  const { error } = status
  const { status: status_code, body } = explainEnd(status)
  if (error?.code === "provider_rejected") {
    return { response: { status_code, request_id: requestId, body }, error: null }
  }
  return failure(body.error.code ?? "internal", body.error.message)
}

function failure(code: string, message: string): Told {
  return { response: null, error: { code, message } }
}
