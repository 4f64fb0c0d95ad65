import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"

/** A span as a collector sees it, its attributes as plain values. */
export interface ReceivedSpan {
  traceId: string
  spanId: string
  parentSpanId: string | null
  name: string
  kind: number
  startMs: number
  endMs: number
  attributes: Record<string, string | number | string[]>
  isError: boolean
  service: string
}

/** How the next exports are answered. */
export type Answer =
  | { status: number; headers?: Record<string, string>; body?: string }
  /** Never, or not before the connection is cut. */
  | "silence"
  | "hang up"

/**
 * An OTLP collector over HTTP. Each export that it takes is held against OTLP's JSON mapping to the letter, and what is
 * wrong with it kept in `problems`.
 */
export async function startCollector() {
  const spans: ReceivedSpan[] = []
  const problems: string[] = []
  const exports: { headers: IncomingMessage["headers"]; url: string; body: string }[] = []
  const answers: Answer[] = []
  let standing: Answer = { status: 200 }
  const server = createServer(async (request, response) => {
    const body = await text(request)
    exports.push({ headers: request.headers, url: request.url ?? "", body })
    const answer = answers.shift() ?? standing
    if (answer === "silence") return
    if (answer === "hang up") return request.socket.destroy()
    if (answer.status === 200) {
      try {
        spans.push(...readExport(JSON.parse(body)))
      } catch (error) {
        problems.push(String(error))
      }
      if (request.method !== "POST") problems.push(`${request.method}`)
      if (request.headers["content-type"] !== "application/json") problems.push("no JSON by its header")
    }
    response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers })
    response.end(answer.body ?? "{}")
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    /** In the order received. */
    spans,
    problems,
    exports,
    /** The next ones; then, and by default, all is taken. */
    answer: (...next: Answer[]) => void answers.push(...next),
    /** From now on. */
    always: (answer: Answer) => {
      standing = answer
    },
    ofRequest: (requestId: string) =>
      spans.filter(({ attributes }) => attributes["aiq.request_id"] === requestId),
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

export type Collector = Awaited<ReturnType<typeof startCollector>>

/** The name of each span with its children's, beneath `parent`; what hangs elsewhere is missed. */
export function treeOf(spans: ReceivedSpan[], parent: string | null): unknown[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .sort((a, b) => a.startMs - b.startMs)
    .map(({ name, spanId }) => {
      const children = treeOf(spans, spanId)
      return children.length === 0 ? name : [name, ...children]
    })
}

type Json = Record<string, unknown>

function readExport(value: unknown): ReceivedSpan[] {
  const { resourceSpans } = members(value, ["resourceSpans"])
  return list(resourceSpans).flatMap((each) => {
    const { resource, scopeSpans } = members(each, ["resource", "scopeSpans"])
    const { "service.name": service, ...others } = readAttributes(
      members(resource, ["attributes"]).attributes,
    )
    demand(typeof service === "string" && typeof others["service.version"] === "string", "a resource")
    return list(scopeSpans).flatMap((scoped) => {
      const { scope, spans } = members(scoped, ["scope", "spans"])
      members(scope, ["name", "version"])
      return list(spans).map((span) => readSpan(span, String(service)))
    })
  })
}

function readSpan(value: unknown, service: string): ReceivedSpan {
  const required = ["traceId", "spanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano"]
  const span = members(value, [...required, "attributes", "status"], ["parentSpanId"])
  const { traceId, spanId, parentSpanId = null, name, kind, status } = span
  demand(isId(traceId, 32), `trace id ${traceId}`)
  demand(isId(spanId, 16), `span id ${spanId}`)
  demand(parentSpanId === null || isId(parentSpanId, 16), `parent's id ${parentSpanId}`)
  demand(typeof name === "string" && name !== "", `name ${name}`)
  demand(Number.isInteger(kind) && Number(kind) >= 1 && Number(kind) <= 5, `kind ${kind}`)
  const [startMs, endMs] = [readTime(span.startTimeUnixNano), readTime(span.endTimeUnixNano)]
  demand(startMs <= endMs, "ends before it starts")
  const { code } = members(status, [], ["code"])
  demand(code === undefined || code === 1 || code === 2, `status ${code}`)
  return {
    ...{ traceId: String(traceId), spanId: String(spanId), name: String(name), kind: Number(kind) },
    parentSpanId: parentSpanId === null ? null : String(parentSpanId),
    ...{ startMs, endMs, attributes: readAttributes(span.attributes), isError: code === 2, service },
  }
}

function readAttributes(value: unknown): ReceivedSpan["attributes"] {
  const pairs = list(value).map((each) => {
    const { key, value: any } = members(each, ["key", "value"])
    demand(typeof key === "string" && /^[a-z][a-z0-9_.]*$/.test(key), `key ${key}`)
    return [String(key), readValue(any)] as const
  })
  const attributes = Object.fromEntries(pairs)
  demand(Object.keys(attributes).length === pairs.length, "a key twice")
  return attributes
}

function readValue(value: unknown): string | number | string[] {
  const [[kind = "", inner] = [], ...others] = Object.entries(value as Json)
  demand(others.length === 0, "several values in one")
  if (kind === "stringValue" && typeof inner === "string") return inner
  if (kind === "intValue" && typeof inner === "string" && /^-?\d+$/.test(inner)) return Number(inner)
  if (kind === "doubleValue" && typeof inner === "number") return inner
  if (kind === "arrayValue")
    return list(members(inner, ["values"]).values).map((each) => String(readValue(each)))
  throw new Error(`no value by the mapping: ${JSON.stringify(value)}`)
}

/** Nanoseconds, of which JavaScript's numbers hold no exact ones: so they are text. Of this century. */
function readTime(value: unknown): number {
  demand(typeof value === "string" && /^\d{19}$/.test(value), `time ${value}`)
  return Number(String(value).slice(0, -6))
}

function isId(value: unknown, length: number): boolean {
  return typeof value === "string" && new RegExp(`^[0-9a-f]{${length}}$`).test(value) && !/^0+$/.test(value)
}

function list(value: unknown): unknown[] {
  demand(Array.isArray(value), `no list: ${JSON.stringify(value)}`)
  return value as unknown[]
}

function members(value: unknown, required: string[], optional: string[] = []): Json {
  demand(typeof value === "object" && value !== null && !Array.isArray(value), "no object")
  const names = Object.keys(value as Json)
  for (const name of required) demand(names.includes(name), `${name} is missing`)
  for (const name of names) demand([...required, ...optional].includes(name), `${name} is unknown`)
  return value as Json
}

function demand(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what)
}
