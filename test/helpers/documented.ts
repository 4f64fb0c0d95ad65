import { dereference, type Schema, validate } from "@cfworker/json-schema"
import openapi from "../../public/openapi.json" with { type: "json" }

// Whether answers are what `public/openapi.json` says. Every test client asks, so all answers of all tests are checked.

interface Reference {
  $ref: string
}
interface Header {
  required?: boolean
  schema: Schema
}
interface DocumentedResponse {
  headers?: Record<string, Header | Reference>
  content?: Record<string, { schema: Schema; "x-events"?: Record<string, Reference> }>
}
interface Operation {
  requestBody?: { content: Record<string, { schema: Reference }> }
  responses: Record<string, DocumentedResponse | Reference>
}
interface Document {
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, Schema>
    headers: Record<string, Header>
    responses: Record<string, DocumentedResponse>
  }
}

const document = openapi as unknown as Document
/** Answers refer to named schemas alone, so these are all that there is to look up. */
const root = { components: { schemas: document.components.schemas } } as Schema
const lookup = dereference(root)

/** Longer paths with fewer names first: `/v1/requests/bulk` is no request's. */
const paths = Object.keys(document.paths)
  .map((path) => ({ path, pattern: patternOf(path) }))
  .sort((a, b) => a.path.split("{").length - b.path.split("{").length)

/** HTTP's own, the runtime's, and those of CORS. */
const OTHER_HEADERS =
  /^(content-type|content-length|content-encoding|transfer-encoding|connection|keep-alive|date|vary|server|access-control-.*|cf-.*)$/

interface Exchange {
  method: string
  /** With its query. */
  path: string
  /** What was sent as JSON: where it was taken, the document must allow it. */
  body?: unknown
}
interface Answered {
  status: number
  headers: Headers
  /** null: it was not read, as of a stream. */
  text: string | null
}

/** Throws, with all that is wrong, when an answer is not as documented. */
export function checkDocumented(exchange: Exchange, answer: Answered): void {
  const problems = problemsOf(exchange, answer)
  if (problems.length === 0) return
  const { method, path } = exchange
  throw new Error(
    `${method} ${path}: ${answer.status} is not as documented:\n- ${problems.slice(0, 8).join("\n- ")}`,
  )
}

/** Throws when an event of `GET /v1/requests/{requestId}/events` is not as documented. */
export function checkDocumentedEvent(name: string, data: unknown): void {
  const { 200: response } = document.paths["/v1/requests/{requestId}/events"]?.get?.responses ?? {}
  const media = response && "content" in response ? response.content?.["text/event-stream"] : undefined
  const reference = media?.["x-events"]?.[name]
  const schema = reference && document.components.schemas[nameOf(reference)]
  const problems = schema ? schemaProblems(schema, data, "its data") : ["there is none of this name"]
  if (problems.length > 0)
    throw new Error(`The event ${name} is not as documented:\n- ${problems.join("\n- ")}`)
}

/** The same for an answer that others go on with. Streams are not read. */
export async function documented(exchange: Exchange, answer: Response): Promise<Response> {
  const { status, headers } = answer
  const isStream = /event-stream|octet-stream|jsonl/.test(headers.get("content-type") ?? "")
  checkDocumented(exchange, { status, headers, text: isStream ? null : await answer.clone().text() })
  return answer
}

/** `fetch` for clients whose answers must be as documented. */
export const documentedFetch: typeof fetch = async (input, init) => {
  // Not made a request of here: its body would become a stream, which is sent otherwise.
  const { url, method } =
    input instanceof Request ? input : { url: String(input), method: init?.method ?? "GET" }
  const { pathname, search } = new URL(url)
  return documented({ method, path: pathname + search }, await fetch(input, init))
}

function problemsOf({ method, path, body }: Exchange, answer: Answered): string[] {
  const [pathname = ""] = path.split("?")
  const template = paths.find(({ pattern }) => pattern.test(pathname))?.path
  const operations = template === undefined ? undefined : document.paths[template]
  const isHead = method === "HEAD"
  const operation = operations?.[isHead ? "get" : method.toLowerCase()]
  if (operation === undefined) return undocumentedProblems(operations !== undefined, method, answer)
  // Beside what is listed, only a defect of ours may be answered.
  const found = operation.responses[answer.status === 500 ? "default" : answer.status]
  if (found === undefined) return [`the status is not listed; the body is ${answer.text?.slice(0, 500)}`]
  const response = "$ref" in found ? document.components.responses[nameOf(found)] : found
  if (response === undefined) return ["its response refers to nothing"]
  return [
    ...headerProblems(response, answer.headers),
    ...(isHead ? [] : bodyProblems(response, answer)),
    ...(answer.status < 300 ? sentProblems(operation, body) : []),
  ]
}

/** What the document says of paths and methods that it does not list. */
function undocumentedProblems(isKnown: boolean, method: string, { status, headers }: Answered): string[] {
  if (method === "OPTIONS" && status === 204) return []
  if (isKnown && status === 405) return headers.has("allow") ? [] : ["Allow is missing"]
  return status === 404 || status === 503 ? [] : ["the operation is not in the document"]
}

function headerProblems({ headers = {} }: DocumentedResponse, given: Headers): string[] {
  const problems: string[] = []
  const known = new Map(
    Object.entries(headers).map(([name, header]) => [
      name.toLowerCase(),
      "$ref" in header ? document.components.headers[nameOf(header)] : header,
    ]),
  )
  for (const [name, header] of known) {
    const value = given.get(name)
    if (value === null && header?.required) problems.push(`the header ${name} is missing`)
    if (value !== null && header) problems.push(...schemaProblems(header.schema, value, `the header ${name}`))
  }
  for (const name of given.keys()) {
    if (!known.has(name) && !OTHER_HEADERS.test(name)) problems.push(`the header ${name} is not documented`)
  }
  return problems
}

function bodyProblems({ content }: DocumentedResponse, { headers, text }: Answered): string[] {
  const type = headers.get("content-type")?.split(";")[0]?.trim() ?? null
  if (content === undefined) return text ? [`there is a body, of ${text.length} characters`] : []
  const media = type === null ? undefined : content[type]
  if (media === undefined) return [`the media type ${type} is not documented`]
  if (text === null || !type?.endsWith("json")) return []
  const schema =
    "$ref" in media.schema ? document.components.schemas[nameOf(media.schema as Reference)] : null
  return schema ? schemaProblems(schema, JSON.parse(text), "the body") : ["its body refers to no schema"]
}

function sentProblems({ requestBody }: Operation, body: unknown): string[] {
  const media = requestBody?.content["application/json"]
  if (media === undefined || typeof body !== "object" || body === null) return []
  // As it goes over the wire.
  const sent: unknown = JSON.parse(JSON.stringify(body))
  const schema = document.components.schemas[nameOf(media.schema)]
  return schema ? schemaProblems(schema, sent, "what was sent") : ["what was sent refers to no schema"]
}

function schemaProblems(schema: Schema, value: unknown, what: string): string[] {
  const { valid, errors } = validate(wellFormed(value), schema, "2020-12", lookup, false)
  return valid ? [] : errors.map(({ instanceLocation, error }) => `${what}: ${instanceLocation} ${error}`)
}

/** The validator makes URIs of members' names, which half a surrogate pair cannot be part of. JSON escapes such halves. */
function wellFormed(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replace(/\\ud[89a-f][0-9a-f]{2}/g, "\\ufffd"))
}

function nameOf({ $ref }: Reference): string {
  return $ref.slice($ref.lastIndexOf("/") + 1)
}

function patternOf(path: string): RegExp {
  const pattern = path
    .replaceAll(".", "\\.")
    .replace(/\{(\w+)\}/g, (_, name) => (name === "model" ? ".+" : "[^/]+"))
  return new RegExp(`^${pattern}$`)
}
