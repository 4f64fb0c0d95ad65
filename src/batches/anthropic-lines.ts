import { isObject, membersOf } from "../core/contracts/members.ts"
import { toMessage } from "../dialects/anthropic-answer.ts"
import { explainEnd } from "../dialects/anthropic-errors.ts"
import { readMessagesBody } from "../dialects/anthropic-messages.ts"
import type { EndedLine, LineEnd, LineFormat, LineProblem } from "./line-format.ts"

const CUSTOM_ID = /^[a-zA-Z0-9_-]{1,64}$/

/** The requests of Anthropic's message batches, each a line `{custom_id, params}`. */
export const anthropicLines: LineFormat = {
  isStrict: false,
  hasErrorFile: false,
  readEnvelope: (value) => {
    const { custom_id, params } = membersOf(value)
    const isTelling = typeof custom_id === "string" && CUSTOM_ID.test(custom_id)
    const problems: LineProblem[] = []
    if (!isTelling) {
      const message = "must have 1 to 64 letters, digits, dashes or underscores"
      problems.push({ code: "invalid_request", message, param: "custom_id" })
    }
    if (!isObject(params)) {
      problems.push({ code: "invalid_request", message: "must be an object", param: "params" })
    }
    return { customId: isTelling ? custom_id : null, body: params, problems }
  },
  readBody: readMessagesBody,
  bodyName: "params",
  tell: ({ customId, requestId, end }: EndedLine) => ({
    custom_id: customId,
    result: tellEnd(end, requestId),
  }),
}

function tellEnd(end: LineEnd, requestId: string): object {
  switch (end.kind) {
    case "completed":
      return { type: "succeeded", message: toMessage(end.status) }
    case "failed":
      return { type: "errored", error: explainEnd(end.status).body }
    case "refused":
      return errored("invalid_request_error", describe(end), requestId)
    case "lost":
      return errored("api_error", "The outcome of this request is not kept any more.", requestId)
    case "cancelled":
      return { type: "canceled" }
    case "expired":
      return { type: "expired" }
  }
}

function describe({ problems }: Extract<LineEnd, { kind: "refused" }>): string {
  const [first] = problems
  return first === undefined ? "params cannot be read." : `${first.param ?? "params"}: ${first.message}`
}

function errored(type: string, message: string, requestId: string): object {
  return { type: "errored", error: { type: "error", error: { type, message }, request_id: requestId } }
}
