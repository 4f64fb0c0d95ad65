import { expect } from "vitest"
import { ADMIN_KEY, startBareWorker } from "../../../bench/stack/bare-worker.ts"
import { documentedFetch } from "../../helpers/documented.ts"
import { startBestStore, type TestStore } from "../../helpers/store.ts"

export { ADMIN_KEY }

export interface Sent {
  method: string
  /** With its query. */
  path: string
  /** null: none. */
  key?: string | null
  headers?: Record<string, string>
  body?: string | Uint8Array
}

export interface Answer {
  status: number
  headers: Headers
  text: string
  /** Parsed; null when it is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect of it.
  json: any
}

/** The Worker in workerd behind a real socket, on a store that tells of every change. Nothing drains. */
export interface ServedWorker {
  readonly port: number
  readonly queueName: string
  readonly store: TestStore
  send(sent: Sent): Promise<Answer>
  /** All that is kept of files and uploads, and what room is held for them. */
  filesKept(): Promise<string[]>
  /** How often anything in the store has been changed so far; null: the store does not count. */
  changes(): Promise<number | null>
  close(): Promise<void>
}

const QUEUE_NAME = "input"
const ROUTES =
  '{"fast": [{"provider": "openai", "model": "m", "weight": 3}, {"provider": "anthropic", "model": "n"}]}'

export async function serveWorker(): Promise<ServedWorker> {
  const store = await startBestStore()
  const nowhere = "http://127.0.0.1:9"
  const worker = await startBareWorker({
    store,
    env: {
      ...{ QUEUE_NAME, ROUTES, DRAIN_LANES: "0", MAX_PENDING: "500000" },
      ...{ OPENAI_BASE_URL: nowhere, ANTHROPIC_BASE_URL: nowhere, DEEPSEEK_BASE_URL: nowhere },
    },
  })
  return {
    port: Number(new URL(worker.url).port),
    ...{ queueName: QUEUE_NAME, store },
    send: async ({ method, path, key = ADMIN_KEY, headers = {}, body }) => {
      const answer = await documentedFetch(worker.url + path, {
        method,
        redirect: "manual",
        headers: {
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
      })
      return readAnswer(answer)
    },
    filesKept: async () => {
      const redis = store.redis
      const names = await redis.sendCommand<string[]>(["KEYS", `aiq:{${QUEUE_NAME}}:file*`])
      const indexes = names.filter((name) => name.includes(":files:"))
      const entries = indexes.map((name) => redis.sendCommand<string[]>(["ZRANGE", name, "0", "-1"]))
      return [
        ...names.filter((name) => !indexes.includes(name)),
        ...(await Promise.all(entries)).flat(),
      ].sort()
    },
    changes: async () => {
      const info = String(await store.redis.sendCommand(["INFO", "everything"]).catch(() => ""))
      const count = /rdb_changes_since_last_save:(\d+)/.exec(info)?.[1]
      // Whoever has read for long tells what that has cost.
      const told = /cmdstat_hincrby:calls=(\d+)/.exec(info)?.[1] ?? 0
      return count === undefined ? null : Number(count) - Number(told)
    },
    close: async () => {
      await worker.stop()
      await store.close()
    },
  }
}

/** Asserts that nothing in the store has been changed meanwhile. */
export async function unchangedBy<T>(worker: ServedWorker, run: () => Promise<T>): Promise<T> {
  const before = await worker.changes()
  const result = await run()
  expect(await worker.changes()).toBe(before)
  return result
}

async function readAnswer(answer: Response): Promise<Answer> {
  const isStream = answer.headers.get("content-type") === "text/event-stream"
  const text = isStream ? await firstEvent(answer) : await answer.text()
  const isJson = /json/.test(answer.headers.get("content-type") ?? "") && text !== ""
  return { status: answer.status, headers: answer.headers, text, json: isJson ? JSON.parse(text) : null }
}

/** Until the first event; then the caller leaves. */
async function firstEvent({ body }: Response): Promise<string> {
  let text = ""
  for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    if (text.includes("event:")) break
  }
  return text
}
