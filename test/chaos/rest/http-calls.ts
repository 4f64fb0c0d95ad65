import { settlement, type TestQueue } from "../../helpers/queue.ts"
import { readRawQueue } from "../../helpers/raw-queue.ts"
import type { RawRedis } from "../../helpers/store.ts"
import { type Call, requestBody } from "../../http/server.ts"

/** What is called, and with what: made anew for each queue. */
export interface Asked {
  method: "POST" | "PATCH" | "DELETE"
  path: string
  body?: unknown
  idempotencyKey?: string
}

/** One mutation of the HTTP API: `prepare` brings its queue to where it matters. */
export interface HttpCall {
  what: string
  prepare(call: Call, queue: TestQueue): Promise<Asked> | Asked
  status: number
  /** After an error that did not tell whether it was executed, and it was. Default: as ever. */
  statusWhenRepeated?: number
  /** What the error names, for the caller to look whether it is there. */
  names?: "requestId" | "requestIds" | "keyId"
  /** Another call, another request or key: to be repeated only after a look. */
  isNewWhenRepeated?: boolean
}

const KEY = { name: "app", organizationId: "org-1", scopes: ["enqueue"] }

async function post(call: Call): Promise<string> {
  return (await call("POST", "/v1/requests", requestBody())).body.requestId
}

async function failOne(call: Call, queue: TestQueue): Promise<string> {
  const requestId = await post(call)
  await queue.settle([settlement(await queue.takeOne(), "failed")])
  return requestId
}

const bulk = { requests: [requestBody(), requestBody({ priority: "low" })] }

export const HTTP_CALLS: HttpCall[] = [
  {
    what: "post",
    prepare: () => ({ method: "POST", path: "/v1/requests", body: requestBody() }),
    ...{ status: 202, names: "requestId", isNewWhenRepeated: true },
  },
  {
    what: "post under a key",
    prepare: () => ({ method: "POST", path: "/v1/requests", body: requestBody(), idempotencyKey: "k-1" }),
    ...{ status: 202, names: "requestId" },
  },
  {
    what: "bulk under a key",
    prepare: () => ({ method: "POST", path: "/v1/requests/bulk", body: bulk, idempotencyKey: "k-2" }),
    ...{ status: 202, names: "requestIds" },
  },
  {
    what: "the action's post under a key",
    prepare: () => ({ method: "POST", path: "/api/ai/queue", body: requestBody(), idempotencyKey: "k-3" }),
    ...{ status: 202, names: "requestId" },
  },
  {
    what: "cancel",
    prepare: async (call) => ({ method: "DELETE", path: `/v1/requests/${await post(call)}` }),
    status: 200,
  },
  {
    what: "cancel by the action",
    prepare: async (call) => ({ method: "DELETE", path: `/api/ai/queue?requestId=${await post(call)}` }),
    status: 200,
  },
  {
    what: "discard",
    prepare: async (call, queue) => ({
      method: "DELETE",
      path: `/v1/requests/${await failOne(call, queue)}`,
    }),
    status: 200,
  },
  {
    what: "replay",
    prepare: async (call, queue) => ({
      method: "POST",
      path: `/v1/requests/${await failOne(call, queue)}/replay`,
    }),
    ...{ status: 202, statusWhenRepeated: 409 },
  },
  {
    what: "clean up",
    prepare: async (call, queue) => {
      await failOne(call, queue)
      return { method: "POST", path: "/v1/cleanup", body: { olderThanSeconds: 0 } }
    },
    status: 200,
  },
  { what: "pause the queue", prepare: () => ({ method: "POST", path: "/v1/queue/pause" }), status: 200 },
  { what: "resume the queue", prepare: () => ({ method: "POST", path: "/v1/queue/resume" }), status: 200 },
  {
    what: "pause a provider",
    prepare: () => ({ method: "POST", path: "/v1/providers/openai/pause" }),
    status: 200,
  },
  {
    what: "change limits",
    prepare: () => ({ method: "PATCH", path: "/v1/providers/openai", body: { rpm: 60 } }),
    status: 200,
  },
  {
    what: "change a share",
    prepare: () => ({ method: "PATCH", path: "/v1/organizations/org-1", body: { weight: 3 } }),
    status: 200,
  },
  {
    what: "issue a key",
    prepare: () => ({ method: "POST", path: "/v1/keys", body: KEY }),
    ...{ status: 201, names: "keyId", isNewWhenRepeated: true },
  },
  {
    what: "revoke a key",
    prepare: async (call) => ({
      method: "DELETE",
      path: `/v1/keys/${(await call("POST", "/v1/keys", KEY)).body.keyId}`,
    }),
    ...{ status: 204, statusWhenRepeated: 404 },
  },
]

/** How many of what a queue holds, and what is set: without ids and times, to be compared with that of another. */
export async function readSummary(redis: RawRedis, queueName: string): Promise<Record<string, unknown>> {
  const raw = await readRawQueue(redis, queueName)
  const key = (name: string) => `aiq:{${queueName}}:${name}`
  const sizes = (sets: Map<string, Map<string, number>>) =>
    Object.fromEntries([...sets].map(([name, members]) => [name, members.size]))
  const entries = await redis.sendCommand<[string, [string, string]][]>(["XRANGE", key("audit"), "-", "+"])
  const settings = [...raw.meta].filter(([field]) => /^(paused|limits|weight|kept|live|load)/.test(field))
  return {
    ...{
      live: raw.live.size,
      lines: sizes(raw.lines),
      finished: sizes(raw.finished),
      recent: sizes(raw.recent),
    },
    outcomes: [...raw.outcomes.values()].map((text) => text.split("|")[1]).sort(),
    settings: Object.fromEntries(settings.sort()),
    keys: await redis.sendCommand<number>(["HLEN", key("keys")]),
    audit: entries.map(([, [, entry]]) => (JSON.parse(entry) as { action: string }).action),
  }
}
