import type { IncomingMessage, ServerResponse } from "node:http"
import { describeProblems, Rule } from "./behaviour.ts"
import type { CallLog } from "./calls.ts"
import { parseJson, readBody } from "./read-request.ts"
import type { Script } from "./script.ts"

const DEFAULT_LIMIT = 1000

/**
 * The simulator's own routes, beside the vendors':
 * - `POST /__script` a rule or a list of rules → `{ids}` · `GET` → `{rules}` with their counts · `DELETE` forgets all
 * - `GET /__calls?provider=&tag=&limit=` → `{calls, total, inFlight, maxInFlight}`, oldest first · `DELETE`
 * - `GET /__bodies` → `{bodies}`: what the last calls sent, without credentials
 *
 * Returns whether the path was one of them.
 */
export async function handleControl(
  log: CallLog,
  script: Script,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const url = new URL(request.url ?? "/", "http://simulator")
  const route = `${request.method} ${url.pathname}`
  switch (route) {
    case "POST /__script":
      await addRules(script, request, response)
      return true
    case "GET /__script":
      sendJson(response, 200, { rules: script.list() })
      return true
    case "DELETE /__script":
      script.clear()
      sendJson(response, 204)
      return true
    case "GET /__calls":
      sendJson(response, 200, reportCalls(log, url.searchParams))
      return true
    case "DELETE /__calls":
      log.clear()
      sendJson(response, 204)
      return true
    case "GET /__bodies":
      sendJson(response, 200, { bodies: log.bodies() })
      return true
    default:
      return false
  }
}

async function addRules(script: Script, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = parseJson((await readBody(request)) ?? "")
  const rules: Rule[] = []
  for (const [index, candidate] of (Array.isArray(body) ? body : [body]).entries()) {
    const parsed = Rule.safeParse(candidate)
    if (!parsed.success) {
      return sendJson(response, 400, { error: `rule ${index}: ${describeProblems(parsed.error)}` })
    }
    rules.push(parsed.data)
  }
  sendJson(response, 200, { ids: rules.map((rule) => script.add(rule)) })
}

function reportCalls(log: CallLog, query: URLSearchParams): Record<string, unknown> {
  const provider = query.get("provider")
  const tag = query.get("tag")
  const limit = Number(query.get("limit") ?? DEFAULT_LIMIT)
  const calls = log.list().filter((call) => {
    return (provider === null || call.provider === provider) && (tag === null || call.tag.includes(tag))
  })
  const { total, inFlight, maxInFlight } = log
  return { calls: limit > 0 ? calls.slice(-limit) : [], total, inFlight, maxInFlight }
}

export function sendJson(response: ServerResponse, status: number, body?: unknown): void {
  response.writeHead(status, { "content-type": "application/json" })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}
