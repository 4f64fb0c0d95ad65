import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"
import { compose } from "../../src/compose.ts"
import { createApp } from "../../src/http/app.ts"
import { documented } from "../helpers/documented.ts"
import { ADMIN_KEY } from "../helpers/stack.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"

export { ADMIN_KEY }

/**
 * What becomes of an exchange: `lose` lets the API do its work and breaks the connection instead of an answer,
 * `refuse` breaks it before. An answer with a status stands in for the API's; headers alone are added to it.
 */
type Interference = "lose" | "refuse" | { status?: number; headers?: Record<string, string>; body?: string }

interface Exchange {
  method: string
  path: string
  idempotencyKey: string | undefined
  at: number
}

/** The API as the Worker composes it, behind a real socket, on a real store, with simulated providers. */
export interface ServedQueue {
  readonly url: string
  readonly simulator: Simulator
  readonly store: TestStore
  /** Every exchange, oldest first. */
  readonly exchanges: Exchange[]
  /** Asked once per exchange, before the API is. */
  interfere: (exchange: Exchange) => Interference | undefined | Promise<Interference | undefined>
  /** What the cron does. */
  tick(): Promise<void>
  /** Does that every 100 ms, until the returned function has been awaited. */
  runCron(): () => Promise<void>
  /** How many requests this organization has, in whatever state. */
  count(organizationId: string): Promise<number>
  /** Forgets exchanges and interference. */
  reset(): void
  close(): Promise<void>
}

let queues = 0

export async function serveQueue(env: Record<string, string> = {}): Promise<ServedQueue> {
  const store = await startBestStore()
  const simulator = await startSimulator({ latencyMs: 0, tokensPerSecond: 0, tokens: 30 })
  queues += 1
  const variables = {
    ...{ ADMIN_API_KEY: ADMIN_KEY, QUEUE_NAME: `client-${queues}`, DRAIN_LANES: "0" },
    ...{ UPSTASH_REDIS_REST_URL: store.url, UPSTASH_REDIS_REST_TOKEN: store.token },
    ...{ ALLOW_SIMULATOR: "1", SIMULATOR_URL: simulator.url, RETRY_BASE_MS: "1", SUBREQUEST_LIMIT: "10000" },
    ...env,
  }
  const app = createApp(compose)
  const { services } = compose(variables)
  if (services === null) throw new Error("the settings are bad")

  const server = createServer(async (request, response) => {
    const { method = "GET", url: path = "/", headers } = request
    const body = await readBody(request)
    const exchange = { method, path, idempotencyKey: headers["idempotency-key"]?.toString(), at: Date.now() }
    served.exchanges.push(exchange)
    const interference = await served.interfere(exchange)
    if (interference === "refuse") return void request.socket.destroy()
    const instead = typeof interference === "object" ? interference : {}
    if (instead.status !== undefined) {
      return void response.writeHead(instead.status, instead.headers).end(instead.body)
    }
    const given = Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string])
    const hasBody = body.length > 0
    const asked = new Request(served.url + path, { method, headers: given, ...(hasBody ? { body } : {}) })
    const answer = await documented({ method, path }, await app.fetch(asked, variables))
    if (interference === "lose") return void request.socket.destroy()
    response.writeHead(answer.status, { ...Object.fromEntries(answer.headers), ...instead.headers })
    response.end(Buffer.from(await answer.arrayBuffer()))
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")

  const served: ServedQueue = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    simulator,
    store,
    exchanges: [],
    interfere: () => undefined,
    tick: () => services.tick(),
    runCron: () => runCron(() => services.tick()),
    count: async (organizationId) => {
      let count = 0
      for (let cursor: string | null = null, isFirst = true; isFirst || cursor !== null; isFirst = false) {
        const page = await services.queue.list({ state: null, organizationId, limit: 100, cursor })
        count += page.data.length
        cursor = page.nextCursor
      }
      return count
    },
    reset: () => {
      served.exchanges.length = 0
      served.interfere = () => undefined
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await simulator.close()
      await store.close()
    },
  }
  return served
}

/** On a busy machine ticks outlast their time; all of them at once would take what those before them need to end. */
const MAX_TICKS = 3

function runCron(tick: () => Promise<void>): () => Promise<void> {
  const running = new Set<Promise<void>>()
  const timer = setInterval(() => {
    if (running.size === MAX_TICKS) return
    const run = tick().finally(() => running.delete(run))
    running.add(run)
  }, 100)
  return async () => {
    clearInterval(timer)
    await Promise.all(running)
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
