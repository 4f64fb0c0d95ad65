import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import { setTimeout as wait } from "node:timers/promises"
import { handleControl, isControlPath } from "./control.ts"
import type { BridgeCounters } from "./counters.ts"
import { accepted, execute, parseBatch, routeOf, tooLarge } from "./execute.ts"
import type { FaultInjector, FaultRule } from "./faults.ts"
import { type Answer, failure, readBody, send } from "./http-exchange.ts"
import type { KeySizes } from "./key-sizes.ts"
import { type RedisConnection, StoreUnreachable } from "./redis-connection.ts"

interface HandlerOptions {
  token: string
  control: boolean
  maxRequestBytes: number
  redis: RedisConnection
  keySizes: KeySizes
  faults: FaultInjector
  counters: BridgeCounters
}

/** `drop`: the connection ends without an answer; `reset`: not even properly. */
type Ending = Answer | "drop" | "reset"

const METHODS = ["HEAD", "GET", "POST", "PUT"]

/** The way of one HTTP request: read, authenticate, (fail,) execute, (fail,) answer. */
export function createHandler(options: HandlerOptions): RequestListener {
  const { counters, faults, maxRequestBytes } = options
  let answered = 0

  async function handle(request: IncomingMessage): Promise<Ending> {
    const { method = "GET", url = "/" } = request
    const path = url.split("?", 1)[0] ?? "/"
    const { body, tooLarge: size } = await readBody(request, maxRequestBytes)
    if (!isAuthorized(request, options.token)) {
      counters.unauthorized += 1
      return unauthorized()
    }
    if (options.control && isControlPath(path))
      return handleControl(method, path, String(body), faults, counters)
    const route = routeOf(path)
    counters.requests += 1
    counters.byRoute[route] += 1
    if (!METHODS.includes(method)) return failure(405, "ERR method not allowed")
    if (body === null) return failure(400, tooLarge(maxRequestBytes, size))

    const batch = parseBatch(route, url, body)
    const commands = "commands" in batch ? accepted(batch.commands) : []
    counters.commands += commands.length
    const strikes = faults.strike(route, path, body, commands)
    const ending = await strike(strikes, "before")
    if (ending !== null) return ending
    if (!("commands" in batch)) return batch
    const run = () =>
      execute(batch, {
        redis: options.redis,
        keySizes: options.keySizes,
        encoding: request.headers["upstash-encoding"] === "base64" ? "base64" : "plain",
        forgetScripts: strikes.some((rule) => rule.fault === "noscript"),
        maxReplyBytes: maxRequestBytes,
      })
    if (strikes.some((rule) => rule.fault === "repeat")) await run()
    const answer = await run()
    return (await strike(strikes, "after")) ?? answer
  }

  function finish(response: ServerResponse, ending: Ending): void {
    if (ending === "drop" || ending === "reset") {
      counters.dropped += 1
      if (ending === "drop") response.destroy()
      else response.socket?.resetAndDestroy()
      return
    }
    counters.byStatus[ending.status] = (counters.byStatus[ending.status] ?? 0) + 1
    // Opaque to clients, who only send back the last one they saw. One Redis is always up to date.
    send(response, ending, { "upstash-sync-token": `bridge:${++answered}` })
  }

  async function handleControlled(request: IncomingMessage): Promise<Answer> {
    const { body } = await readBody(request, maxRequestBytes)
    if (!isAuthorized(request, options.token)) return unauthorized()
    return handleControl(request.method, request.url, String(body), faults, counters)
  }

  return (request, response) => {
    const work =
      options.control && isControlPath(request.url)
        ? handleControlled(request).then((answer) => send(response, answer))
        : handle(request).then((ending) => finish(response, ending))
    work.catch((error: unknown) => {
      // The client went away while it was still sending.
      if (response.destroyed) return
      if (error instanceof StoreUnreachable) return finish(response, failure(500, error.message))
      console.error("bridge:", error)
      finish(response, failure(500, "ERR internal error"))
    })
  }
}

function unauthorized(): Answer {
  return failure(401, "WRONGPASS invalid or missing auth token")
}

function isAuthorized(request: IncomingMessage, token: string): boolean {
  if (request.headers.authorization === `Bearer ${token}`) return true
  const query = request.url?.split("?", 2)[1]
  return query?.includes("_token=") === true && new URLSearchParams(query).get("_token") === token
}

/** Applies the faults of one moment: waits, then the first one that ends the request does. */
async function strike(rules: FaultRule[], when: "before" | "after"): Promise<Ending | null> {
  for (const rule of rules) {
    if ((rule.when ?? "before") !== when) continue
    if (rule.fault === "delay") await wait(rule.delayMs)
    if (rule.fault === "drop" || rule.fault === "reset") return rule.fault
    if (rule.fault === "status") {
      const status = rule.status ?? 500
      const answer = failure(status, status === 429 ? "ERR too many requests" : "ERR injected fault")
      return rule.body === undefined ? answer : { status, body: rule.body }
    }
  }
  return null
}
