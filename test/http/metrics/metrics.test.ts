import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { findRedisServer } from "../../../dev/store-redis.ts"
import { describeScenes, type Scene, startScene } from "../../drain/scene.ts"
import { countCommands } from "../../helpers/count.ts"
import { startTestStore } from "../../helpers/store.ts"
import { ADMIN_KEY } from "../server.ts"
import { makeBusy, openMetrics, READ_ALL } from "./busy-scene.ts"
import { parseOpenMetrics } from "./parse-open-metrics.ts"

const DOCUMENT = join(import.meta.dirname, "../../../docs/metrics.md")

async function scrape(s: Scene) {
  const { get, issueKey } = openMetrics(s)
  const families = parseOpenMetrics(await (await get(await issueKey(READ_ALL))).text())
  return (name: string) =>
    families.get(name)?.samples.map(({ labels, value }) => [...Object.values(labels), value])
}

describeScenes("GET /metrics", (scene) => {
  test("tells what has happened, and what is going on", async () => {
    const s = await scene({ REDIS_COMMAND_BUDGET: "100000" })
    await makeBusy(s)
    const valuesOf = await scrape(s)
    expect(valuesOf("aiq_requests_enqueued")).toEqual([[9]])
    expect(valuesOf("aiq_requests_finished")).toEqual([
      ["completed", 4],
      ["failed", 1],
      ["cancelled", 1],
    ])
    expect(valuesOf("aiq_requests_retried")).toEqual([[1]])
    const attempts = valuesOf("aiq_attempts") ?? []
    expect(attempts).toContainEqual(["openai", "provider_unavailable", 1])
    expect(attempts).toContainEqual(["openai", "provider_rejected", 1])
    expect(attempts).toContainEqual(["deepseek", "completed", 0])
    const completed = attempts.filter(([, code]) => code === "completed").map(([, , count]) => Number(count))
    expect(completed.reduce((sum, count) => sum + count)).toBe(4)
    // Of retries the wait is not counted again.
    expect(valuesOf("aiq_wait_seconds")?.at(-1)).toEqual(["+Inf", 5])
    const times = (valuesOf("aiq_provider_seconds") ?? []).filter(([, le]) => le === "+Inf")
    expect(times.reduce((sum, [, , count]) => sum + Number(count), 0)).toBe(4)
    expect(valuesOf("aiq_pending")).toContainEqual(["deepseek", "low", 1])
    expect(valuesOf("aiq_pending")).toContainEqual(["openai", "normal", 1])
    expect(valuesOf("aiq_scheduled")).toEqual([[1]])
    expect(valuesOf("aiq_processing")).toEqual([[0]])
    expect(valuesOf("aiq_provider_paused")).toContainEqual(["deepseek", 1])
    expect(valuesOf("aiq_provider_paused")).toContainEqual(["openai", 0])
    expect(valuesOf("aiq_redis_commands")?.[0]?.[0]).toBeGreaterThan(20)
    expect(valuesOf("aiq_redis_commands_today")?.[0]?.[0]).toBeGreaterThan(20)
    expect(valuesOf("aiq_redis_commands_budget")).toEqual([[100_000]])
    expect(valuesOf("aiq_lane_last_claim_timestamp_seconds")).toEqual([["lane-0", expect.any(Number)]])
  })

  test("tells what docs/metrics.md lists, with these labels, and nothing else", async () => {
    const s = await scene({ REDIS_COMMAND_BUDGET: "100000" })
    await makeBusy(s)
    const { get, issueKey } = openMetrics(s)
    const families = parseOpenMetrics(await (await get(await issueKey(READ_ALL))).text())
    const told = [...families.values()].map(({ name, type, samples }) => {
      const { name: sample = name, labels } = samples[0] ?? { labels: {} }
      const own = Object.keys(labels).filter((label) => label !== "le")
      return [type === "histogram" ? name : sample, type, own.map((label) => `\`${label}\``).join(", ")]
    })
    const listed = [...readFileSync(DOCUMENT, "utf8").matchAll(/^\| `(aiq_\w+)` \| (\w+) \|([^|]*)\|/gm)]
    expect(told).toEqual(listed.map(([, name, type, labels = ""]) => [name, type, labels.trim()]))
  })

  test("is for issued keys of all organizations that may read, and says how to get one", async () => {
    const s = await scene()
    const { get, issueKey } = openMetrics(s)
    const master = await get(ADMIN_KEY)
    expect(master.status).toBe(403)
    expect((await master.json()) as object).toMatchObject({
      detail: expect.stringContaining("POST /v1/keys"),
    })
    for (const refused of [
      { organizationId: "org-1", scopes: ["read"] },
      { organizationId: "*", scopes: ["enqueue", "cancel"] },
    ]) {
      expect((await get(await issueKey(refused))).status).toBe(403)
    }
    expect((await get("aiq_unknown")).status).toBe(401)
    expect((await get(await issueKey({ organizationId: "*", scopes: ["read", "admin"] }))).status).toBe(200)
  })

  test("speaks OpenMetrics, and Prometheus' older format to who prefers it", async () => {
    const s = await scene()
    const { get, issueKey } = openMetrics(s)
    const key = await issueKey(READ_ALL)
    const open = await get(key)
    expect(open.headers.get("content-type")).toBe(
      "application/openmetrics-text; version=1.0.0; charset=utf-8",
    )
    const old = await get(key, "text/plain")
    expect(old.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8")
    expect(await old.text()).toContain("# TYPE aiq_requests_enqueued_total counter")
  })
})

test.skipIf(findRedisServer() === null)(
  "a scrape costs what docs/metrics.md says, its key included",
  async ({ onTestFinished }) => {
    const store = await startTestStore("redis")
    onTestFinished(() => store.close())
    const s = await startScene(store)
    onTestFinished(() => s.close())
    const { get, issueKey } = openMetrics(s)
    await makeBusy(s)
    const key = await issueKey(READ_ALL)
    const { total, byName } = await countCommands(store.redis, () => get(key))
    const told = /A scrape costs (\d+) billed/.exec(readFileSync(DOCUMENT, "utf8"))?.[1]
    expect(total, JSON.stringify(byName)).toBe(Number(told))
    expect(total).toBeLessThanOrEqual(10)
  },
)
