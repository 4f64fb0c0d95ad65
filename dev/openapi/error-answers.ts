import { type JsonSchema, refer, type Schema } from "./components.ts"
import { ActionError, AnthropicError, ModelError, OpenAiError, problemOf } from "./errors.ts"
import { type HeaderName, headers, usualHeaders } from "./headers.ts"

/** In whose words a route tells errors; `models`: in either vendor's. */
export type Words = "own" | "action" | "openai" | "anthropic" | "models"

const MEANINGS: Record<number, string> = {
  400: "Something is wrong with what was sent; all of it is named.",
  401: "A valid key is needed.",
  403: "The key may not do this.",
  404: "It is not known here, or not any more; another organization's is not either.",
  409: "Its state does not allow this.",
  413: "It is too large.",
  415: "Another media type is needed.",
  422: "The same `Idempotency-Key` came with another body, or the provider refused the request so.",
  429: "Too much at once: the key's rate, or what may wait in the queue, is used up.",
  500: "Something went wrong here.",
  502: "The provider did not answer as it should.",
  503: "The store cannot be reached or is full, the provider is not available, or a setting is missing.",
  504: "The request was not finished in time.",
  529: "The provider is overloaded.",
}

const responses: Record<string, JsonSchema> = {}

/** Errors stand once in the document, by words and status. */
export function referToError(words: Words, status: number): { $ref: string } {
  const name = `${words}-${status}`
  responses[name] ??= toResponse(words, status)
  return { $ref: `#/components/responses/${name}` }
}

export function errorResponses(): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(responses).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Of what was known of a call before it came to nothing. */
const WAITING: HeaderName[] = [
  ...(["X-Queue-Request-Id", "X-Should-Retry", "Idempotency-Replayed"] as const),
  ...(["Preference-Applied", "Retry-After"] as const),
]
const MORE: Record<Words, HeaderName[]> = {
  own: ["Preference-Applied"],
  action: [],
  openai: WAITING,
  anthropic: [...WAITING, "Request-Id"],
  models: ["Retry-After"],
}

function toResponse(words: Words, status: number): JsonSchema {
  // A vendor's 429 and 503 may be the provider's, which tells no time.
  const saysWhen = ["own", "action"].includes(words) && (status === 429 || status === 503)
  const more: HeaderName[] = [...MORE[words], ...(status === 401 ? (["WWW-Authenticate"] as const) : [])]
  const type = words === "own" ? "application/problem+json" : "application/json"
  return {
    description: MEANINGS[status],
    headers: headers([...usualHeaders(true), ...more], saysWhen ? ["Retry-After"] : []),
    content: { [type]: { schema: refer(schemaOf(words, status)) } },
  }
}

function schemaOf(words: Words, status: number): Schema {
  switch (words) {
    case "own":
      return problemOf(status)
    case "action":
      return ActionError
    case "openai":
      return OpenAiError
    case "anthropic":
      return AnthropicError
    case "models":
      return ModelError
  }
}
