import { afterAll, afterEach, beforeAll, expect } from "vitest"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"
import { compose, type WorkerServices } from "../../src/compose.ts"
import { jsonLog, type LogFields } from "../../src/core/log.ts"
import { createApp } from "../../src/http/app.ts"
import { type Collector, startCollector } from "../helpers/collector.ts"
import { documented } from "../helpers/documented.ts"
import { eventually } from "../helpers/eventually.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"

const ADMIN_KEY = "an-admin-key-for-the-tests"
export const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
export const SPAN_ID = "00f067aa0ba902b7"
export const TRACEPARENT = `00-${TRACE_ID}-${SPAN_ID}-01`

interface Line extends LogFields {
  level: string
  event: string
}

export interface TracedWorker {
  services: WorkerServices
  /** The parsed answer; the status must be one of success. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect of it.
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<any>
  /** Its id. */
  enqueue(text: string, changes?: object, headers?: Record<string, string>): Promise<string>
  /** Ticks until the request is in that state. */
  drainUntil(requestId: string, state: string): Promise<void>
  /** What the Worker has logged, oldest first. */
  lines: Line[]
}

let workers = 0

/** The Worker as it is composed, drained by its tick, on a real store, with simulated providers and a real collector. */
export function tracedWorkers() {
  let store: TestStore
  let simulator: Simulator
  let collector: Collector
  const undo: (() => void)[] = []
  const opened: WorkerServices[] = []
  beforeAll(async () => {
    store = await startBestStore()
    simulator = await startSimulator({ latencyMs: 0, tokensPerSecond: 0, tokens: 5 })
    collector = await startCollector()
  })
  afterEach(() => {
    for (const each of undo.splice(0)) each()
    expect(collector.problems).toEqual([])
  })
  afterAll(async () => {
    // What is still gathering would ask a collector that is gone.
    for (const services of opened) await services.tracing?.flush(99)
    await Promise.all([store.close(), simulator.close(), collector.close()])
  })

  /** `env`: undefined takes a setting away. */
  function open(env: Record<string, string | undefined> = {}): TracedWorker {
    const { services, problems } = compose({
      ADMIN_API_KEY: ADMIN_KEY,
      QUEUE_NAME: `traced-${++workers}`,
      UPSTASH_REDIS_REST_URL: store.url,
      UPSTASH_REDIS_REST_TOKEN: store.token,
      ALLOW_SIMULATOR: "1",
      SIMULATOR_URL: simulator.url,
      DRAIN_LANES: "0",
      RETRY_BASE_MS: "1",
      RETRY_CAP_MS: "1",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      ...env,
    })
    if (services === null) throw new Error(JSON.stringify(problems))
    opened.push(services)
    const lines: Line[] = []
    for (const level of ["info", "warn", "error"] as const) {
      const before = jsonLog[level]
      jsonLog[level] = (event, fields) => void lines.push({ level, event, ...fields })
      undo.push(() => {
        jsonLog[level] = before
      })
    }
    const app = createApp(() => ({ services, problems: [] }))
    const call: TracedWorker["call"] = async (method, path, body, headers = {}) => {
      const response = await app.request(path, {
        method,
        headers: {
          authorization: `Bearer ${ADMIN_KEY}`,
          ...(body !== undefined && { "content-type": "application/json" }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      await documented({ method, path, body }, response)
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
      return text.startsWith("{") ? JSON.parse(text) : text
    }
    return {
      services,
      lines,
      call,
      enqueue: async (text, changes = {}, headers = {}) =>
        (await call("POST", "/v1/requests", requestBody(text, changes), headers)).requestId,
      drainUntil: async (requestId, state) => {
        await eventually(async () => {
          await services.tick()
          return (await services.queue.status(requestId, null))?.state === state
        })
      },
    }
  }

  return {
    open,
    get store() {
      return store
    },
    get simulator() {
      return simulator
    },
    get collector() {
      return collector
    },
    /** A request's spans, once there are so many. */
    spansOf: async (requestId: string, count: number) => {
      await eventually(() => collector.ofRequest(requestId).length >= count)
      return collector.ofRequest(requestId)
    },
  }
}

export function requestBody(text: string, changes: object = {}): Record<string, unknown> {
  const messages = [{ role: "user", content: text }]
  return { provider: "openai", model: "gpt-5", messages, organizationId: "org-1", ...changes }
}
