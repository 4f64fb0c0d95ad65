import type { IncomingMessage, ServerResponse } from "node:http"
import type * as z from "zod/mini"
import { describeProblems, Rule } from "./behaviour.ts"
import type { CallLog } from "./calls.ts"
import { AccountLimit, type Limits } from "./limits.ts"
import { parseJson, readBody } from "./read-request.ts"
import type { Script } from "./script.ts"

const DEFAULT_LIMIT = 1000

export interface Controls {
  log: CallLog
  script: Script
  limits: Limits
}

/**
 * The simulator's own routes, beside the vendors':
 * - `POST /__script` a rule or a list of rules → `{ids}` · `GET` → `{rules}` with their counts · `DELETE` forgets all,
 *   `DELETE /__script/<id>` one
 * - `POST /__limits` what an account may do, or a list of that · `GET` → `{limits}` with their counts · `DELETE` lifts all
 * - `GET /__calls?provider=&model=&tag=&limit=` → `{calls, total, inFlight, maxInFlight}`, oldest first · `DELETE`
 * - `GET /__bodies` → `{bodies}`: what the last calls sent, without credentials
 *
 * Returns whether the path was one of them.
 */
export async function handleControl(
  { log, script, limits }: Controls,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const url = new URL(request.url ?? "/", "http://simulator")
  const route = `${request.method} ${url.pathname}`
  switch (route) {
    case "POST /__script": {
      const rules = await readList(Rule, "rule", request, response)
      if (rules !== null) sendJson(response, 200, { ids: rules.map((rule) => script.add(rule)) })
      return true
    }
    case "GET /__script":
      sendJson(response, 200, { rules: script.list() })
      return true
    case "DELETE /__script":
      script.clear()
      sendJson(response, 204)
      return true
    case "POST /__limits": {
      const wanted = await readList(AccountLimit, "limit", request, response)
      for (const limit of wanted ?? []) limits.set(limit)
      if (wanted !== null) sendJson(response, 204)
      return true
    }
    case "GET /__limits":
      sendJson(response, 200, { limits: limits.list(Date.now()) })
      return true
    case "DELETE /__limits":
      limits.clear()
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
  }
  const [, ruleId] = /^DELETE \/__script\/(\d+)$/.exec(route) ?? []
  if (ruleId === undefined) return false
  sendJson(response, script.remove(Number(ruleId)) ? 204 : 404)
  return true
}

/** One or several of what a route takes; null: something is wrong with them, and it has been said what. */
async function readList<T>(
  schema: z.ZodMiniType<T>,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<T[] | null> {
  const body = parseJson((await readBody(request)) ?? "")
  const list: T[] = []
  for (const [index, candidate] of (Array.isArray(body) ? body : [body]).entries()) {
    const parsed = schema.safeParse(candidate)
    if (!parsed.success) {
      sendJson(response, 400, { error: `${name} ${index}: ${describeProblems(parsed.error)}` })
      return null
    }
    list.push(parsed.data)
  }
  return list
}

function reportCalls(log: CallLog, query: URLSearchParams): Record<string, unknown> {
  const provider = query.get("provider")
  const model = query.get("model")
  const tag = query.get("tag")
  const limit = Number(query.get("limit") ?? DEFAULT_LIMIT)
  const calls = log.list().filter((call) => {
    if (provider !== null && call.provider !== provider) return false
    return (model === null || call.model === model) && (tag === null || call.tag.includes(tag))
  })
  const { total, inFlight, maxInFlight } = log
  return { calls: limit > 0 ? calls.slice(-limit) : [], total, inFlight, maxInFlight }
}

export function sendJson(response: ServerResponse, status: number, body?: unknown): void {
  response.writeHead(status, { "content-type": "application/json" })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}
