import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { answerCall, type Stage } from "./answer-call.ts"
import { anthropic } from "./anthropic.ts"
import { Behaviour, Rule } from "./behaviour.ts"
import { CallLog, type CallRecord, type RecordedBody } from "./calls.ts"
import { handleControl, sendJson } from "./control.ts"
import { deepseek } from "./deepseek.ts"
import { AccountLimit, type LimitState, Limits } from "./limits.ts"
import { openai } from "./openai.ts"
import { Script } from "./script.ts"
import type { ProviderName, WireFormat } from "./wire-format.ts"

export interface SimulatorOptions {
  /** 0, the default: any free port. */
  port?: number
  host?: string
  /** How calls are answered where nothing is scripted. */
  latencyMs?: number
  headersLatencyMs?: number
  /** 0: all at once. */
  tokensPerSecond?: number
  tokens?: number
}

/** A running simulator; `await using` closes it. */
export interface Simulator {
  /** Without a path, such as `http://127.0.0.1:40123`. */
  readonly url: string
  readonly port: number
  /** What each vendor's base URL would be: the part before `/chat/completions`, or before `/v1/messages`. */
  readonly baseUrls: Record<ProviderName, string>
  /** Adds a rule, after those there are; returns its id. A bad rule throws. */
  script(rule: Rule): number
  /** Takes one rule back, so that what it said of a provider is over. */
  unscript(id: number): void
  clearScript(): void
  /** What an account may do from now on; replaces the limit of the same provider and model. A bad one throws. */
  limit(limit: AccountLimit): void
  clearLimits(): void
  readonly limits: LimitState[]
  /** Oldest first; the last 20,000. */
  readonly calls: CallRecord[]
  /** Oldest first; the last 200, without credentials. */
  readonly bodies: RecordedBody[]
  /** Forgets calls that are over and bodies, and starts the maxima anew. */
  clearCalls(): void
  readonly inFlight: Readonly<Record<ProviderName, number>>
  readonly maxInFlight: Readonly<Record<ProviderName, number>>
  /** Requests that followed a scripted redirect; a careful client makes none. */
  readonly redirectsFollowed: number
  /** Breaks what is in flight. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const WIRES: WireFormat[] = [openai, anthropic, deepseek]
const REDIRECT_PATH = "/__redirected"
/** Connections that arrive at once; what is beyond would try again only after a second. */
const BACKLOG = 4096
/** For a person who watches: long enough to be seen, short enough not to bore. */
const DEFAULTS = { latencyMs: 150, tokensPerSecond: 200, tokens: 40 }

/**
 * Starts a server that speaks OpenAI's, Anthropic's and DeepSeek's wire formats, streaming and not, and
 * answers as scripted: by a directive in the last user message, such as
 * `[[sim: error=rate_limited retryAfter=2 times=1]]`, by `script()`, or by `POST /__script`.
 * Accounts have no limits until they are given some, by `limit()` or by `POST /__limits`. Any key, or none, is accepted. Nothing is ever logged. Rejects when the port is taken.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { port = 0, host = "127.0.0.1", ...behaviour } = options
  const log = new CallLog()
  const script = new Script()
  const limits = new Limits()
  let redirectsFollowed = 0

  const server = createServer((request, response) => {
    if (request.url?.startsWith(REDIRECT_PATH)) redirectsFollowed += 1
    // An error here is a defect of the simulator; the client sees a broken connection, we see the stack.
    route(stage, request, response).catch((error: unknown) => console.error("simulator:", error))
  })
  // Stalls last as long as the script says; clients that keep connections must not race with our closing them.
  server.requestTimeout = 0
  server.keepAliveTimeout = 120_000
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen({ port, host, backlog: BACKLOG }, resolve)
  })
  const boundPort = (server.address() as AddressInfo).port
  const url = `http://${host}:${boundPort}`
  const stage: Stage = {
    log,
    script,
    limits,
    defaults: Behaviour.parse({ ...DEFAULTS, ...behaviour }),
    redirectTo: url + REDIRECT_PATH,
  }

  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  return {
    url,
    port: boundPort,
    baseUrls: { openai: `${url}/openai/v1`, anthropic: `${url}/anthropic`, deepseek: `${url}/deepseek` },
    script: (rule) => script.add(Rule.parse(rule)),
    unscript: (id) => void script.remove(id),
    clearScript: () => script.clear(),
    limit: (limit) => limits.set(AccountLimit.parse(limit)),
    clearLimits: () => limits.clear(),
    get limits() {
      return limits.list(Date.now())
    },
    get calls() {
      return log.list()
    },
    get bodies() {
      return log.bodies()
    },
    clearCalls: () => log.clear(),
    inFlight: log.inFlight,
    maxInFlight: log.maxInFlight,
    get redirectsFollowed() {
      return redirectsFollowed
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function route(stage: Stage, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://simulator")
  for (const wire of WIRES) {
    if (request.method === "POST" && pathname === wire.chatPath) {
      return answerCall(stage, wire, request, response)
    }
    if (request.method === "GET" && pathname === wire.modelsPath) {
      return sendJson(response, 200, wire.models())
    }
  }
  if (await handleControl(stage, request, response)) return
  if (pathname === "/") {
    const paths = WIRES.map((wire) => `POST ${wire.chatPath}`)
    const example = "[[sim: error=rate_limited retryAfter=2 times=1]]"
    return sendJson(response, 200, {
      simulator: "LLM providers",
      paths,
      inTheLastUserMessage: example,
      control: ["/__script", "/__limits", "/__calls", "/__bodies"],
    })
  }
  const message = `Invalid URL (${request.method} ${pathname})`
  sendJson(response, 404, { error: { message, type: "invalid_request_error", param: null, code: null } })
}
