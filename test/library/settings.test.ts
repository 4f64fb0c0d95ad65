import { Redis } from "@upstash/redis"
import { Redis as CloudflareRedis } from "@upstash/redis/cloudflare"
import { afterEach, describe, expect, it, vi } from "vitest"
import { AIRequestQueue, type AIRequestQueueOptions, SettingsError } from "../../src/library/index.ts"
import { describeLibrary, MESSAGES, newName } from "./suite.ts"

afterEach(() => vi.unstubAllEnvs())

describeLibrary("a store", ({ open, store }) => {
  it.each([
    ["{url, token}", (url: string, token: string) => ({ url, token })],
    ["a client of @upstash/redis", (url: string, token: string) => new Redis({ url, token })],
    [
      "one without automatic pipelines",
      (url: string, token: string) => new Redis({ url, token, enableAutoPipelining: false }),
    ],
    ["one for Cloudflare", (url: string, token: string) => new CloudflareRedis({ url, token })],
  ])("can be given as %s", async (_, redisOf) => {
    const { url, token } = store()
    const queueName = newName()
    const requestId = await open({ queueName }).enqueue("openai", "gpt-5", MESSAGES)
    const queue = open({ queueName, redis: redisOf(url, token) })
    expect(await queue.getRequestStatus(requestId)).toMatchObject({ requestId, state: "pending" })
  })

  it("can be named by variables, as the queue and its settings", async () => {
    const { url, token } = store()
    const queueName = newName()
    vi.stubEnv("UPSTASH_REDIS_REST_URL", url)
    vi.stubEnv("UPSTASH_REDIS_REST_TOKEN", token)
    vi.stubEnv("QUEUE_NAME", queueName)
    vi.stubEnv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    vi.stubEnv("MAX_RETRIES", "7")
    const requestId = await new AIRequestQueue().enqueue("openai", "gpt-5", MESSAGES)
    expect(await open({ queueName }).getRequestStatus(requestId)).toMatchObject({ maxRetries: 7 })
    const other = await new AIRequestQueue({ env: { MAX_RETRIES: "2" } }).enqueue("openai", "gpt-5", MESSAGES)
    expect(await open({ queueName }).getRequestStatus(other)).toMatchObject({ maxRetries: 2 })
  })

  it("that is away is told by the code, and never by content", async () => {
    const queue = open()
    store().bridge.faults.inject({ fault: "status", status: 500, body: "<html>" })
    await expect(queue.enqueue("openai", "gpt-5", MESSAGES)).rejects.toMatchObject({
      code: "store_unavailable",
      extra: { requestId: expect.stringMatching(/^req_/), maybeStored: true },
    })
  })
})

describe("bad settings", () => {
  const redis = { url: "http://127.0.0.1:1", token: "a-token" }
  const withoutAddress = { UPSTASH_REDIS_REST_URL: undefined, UPSTASH_REDIS_REST_TOKEN: undefined }
  it.each<[AIRequestQueueOptions, string[]]>([
    [{ env: withoutAddress }, ["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"]],
    [{ redis: { url: "redis://127.0.0.1", token: "a-token" } }, ["redis.url"]],
    [{ redis: { url: "http://127.0.0.1:1", token: "" } }, ["redis.token"]],
    [{ redis: new Redis({ request: async () => ({ result: "" as never }) }) }, ["redis"]],
    [{ redis, queueName: "two words" }, ["queueName"]],
    [{ redis, env: { QUEUE_NAME: "two words", MAX_RETRIES: "11" } }, ["QUEUE_NAME", "MAX_RETRIES"]],
    [{ redis, name: "two words" }, ["name"]],
  ])("%# are named, all of them", (options, variables) => {
    let error: unknown
    try {
      new AIRequestQueue(options)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(SettingsError)
    expect(error).toMatchObject({
      code: "not_configured",
      problems: variables.map((variable) => ({ variable })),
      message: expect.stringContaining(variables[0] ?? ""),
    })
    expect(String(error)).not.toContain("a-token")
  })

  it("no key for the HTTP API is needed, nor looked at", () => {
    expect(() => new AIRequestQueue({ redis, env: { ADMIN_API_KEY: "short" } })).not.toThrow()
  })
})
