import type { Scope } from "../../src/core/contracts/access.ts"
import { type JsonSchema, refer, type Schema, toJsonSchema } from "./components.ts"
import { referToError, type Words } from "./error-answers.ts"
import { type HeaderName, headers, usualHeaders } from "./headers.ts"
import { PARAMETERS, type ParameterName } from "./parameters.ts"

/** One answer that is no error. */
interface Answer {
  description: string
  /** By media type; text: it is no JSON; events: the data of each, by its name. Absent: there is no body. */
  content?: Record<string, Schema | "text" | { events: Record<string, Schema> }>
  headers?: HeaderName[]
  /** Headers that are always there. */
  always?: HeaderName[]
}

/** A body that the tests send as it stands, and what of the path it is sent to. */
interface Example {
  summary: string
  value: unknown
}

interface Body {
  schema: Schema
  type?: "application/json" | "multipart/form-data"
  isOptional?: true
  /** How members of a form are written that are no texts. */
  encoding?: JsonSchema
  examples: Record<string, Example>
}

export interface Operation {
  operationId: string
  summary: string
  description?: string
  tag: string
  words?: Words
  /** What the key must be allowed to do; `any`: a key is enough; null: none is needed. */
  scope: Scope | "any" | null
  query?: Schema
  /** Values of the query to begin with; the tests call it with them. */
  tryWith?: Record<string, string>
  /** Of headers. */
  parameters?: ParameterName[]
  body?: Body
  answers: Record<number, Answer>
  /** Statuses of errors beside those of every route with such a key, query and body. */
  refusals?: number[]
}

/** The operation as it stands in the document. */
export function toOpenApi(path: string, operation: Operation): JsonSchema {
  const { operationId, summary, description, tag, scope, body } = operation
  const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => PARAMETERS.path(name))
  const parameters = [
    ...named,
    ...queryOf(operation.query, operation.tryWith),
    ...(operation.parameters ?? []).map((name) => ({ $ref: `#/components/parameters/${name}` })),
  ]
  return {
    operationId,
    summary,
    ...(description && { description }),
    tags: [tag],
    security: scope === null ? [{}] : securityOf(operation),
    ...(scope !== null && scope !== "any" && { "x-scope": scope }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: bodyOf(body) }),
    responses: responsesOf(operation),
  }
}

function securityOf({ words = "own" }: Operation): JsonSchema[] {
  return ["own", "action"].includes(words) ? [{ bearer: [] }] : [{ bearer: [] }, { apiKey: [] }]
}

/** A query's schema as parameters, one by one. */
function queryOf(schema: Schema | undefined, tryWith: Record<string, string> = {}): JsonSchema[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = toJsonSchema(schema) as {
    properties?: Record<string, JsonSchema>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...member }]) => ({
    name,
    in: "query",
    ...(description !== undefined && { description }),
    ...(required.includes(name) && { required: true }),
    schema: member,
    ...(name in tryWith && { example: tryWith[name] }),
  }))
}

function bodyOf({ schema, type = "application/json", isOptional, encoding, examples }: Body): JsonSchema {
  const media = { schema: refer(schema), ...(encoding && { encoding }), examples }
  return { required: !isOptional, content: { [type]: media } }
}

function responsesOf(operation: Operation): JsonSchema {
  const answers = Object.entries(operation.answers).map(([status, answer]) => [
    status,
    toResponse(operation, answer),
  ])
  const errors = errorsOf(operation).map((status) => [
    String(status),
    referToError(operation.words ?? "own", status),
  ])
  const listed = [...answers, ...errors].sort(([a], [b]) => Number(a) - Number(b))
  return { ...Object.fromEntries(listed), default: referToError(operation.words ?? "own", 500) }
}

function toResponse(
  { scope }: Operation,
  { description, content, headers: names = [], always }: Answer,
): JsonSchema {
  return {
    description,
    headers: headers([...usualHeaders(scope !== null), ...names], always),
    ...(content && {
      content: Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, toMedia(schema)])),
    }),
  }
}

/** OpenAPI 3.1 has no words for what is in an event stream. */
function toMedia(content: Schema | "text" | { events: Record<string, Schema> }): JsonSchema {
  if (content === "text") return { schema: { type: "string" } }
  if (!("events" in content)) return { schema: refer(content) }
  const events = Object.entries(content.events).map(([name, schema]) => [name, refer(schema)])
  return { schema: { type: "string" }, "x-events": Object.fromEntries(events) }
}

/** In the order in which they are found. */
function errorsOf({ answers, scope, query, body, refusals = [] }: Operation): number[] {
  const statuses = [
    ...(scope === null ? [] : [401, 429]),
    ...(scope === null || scope === "any" ? [] : [403]),
    ...(body === undefined ? [] : [400, 413, 415]),
    ...(query === undefined ? [] : [400]),
    ...[503, ...refusals],
  ]
  return [...new Set(statuses)].filter((status) => !(status in answers))
}

/** By path, then by method. */
export type Routes = Record<string, Partial<Record<"get" | "post" | "patch" | "delete", Operation>>>
