import { eventually } from "../../test/helpers/eventually.ts"
import type { TestStore } from "../../test/helpers/store.ts"
import { spawnSimulator } from "../../test/scale/processes.ts"
import { startLoad } from "../load/load.ts"
import { HEADERS, startBareWorker } from "../stack/bare-worker.ts"
import { PROMPT, type Round } from "./contender.ts"
import type { RunningContender } from "./spawn-contender.ts"

const AT_ONCE = "[[sim: headersLatencyMs=0 latencyMs=0 tokens=1 tokensPerSecond=0]]"
const LONGEST_MS = 120_000

const request = {
  ...{ provider: "openai", model: "gpt-test", organizationId: "org-1" },
  messages: [{ role: "user", content: PROMPT.slice(0, -AT_ONCE.length) + AT_ONCE }],
}

/** The Worker over HTTP, in bare workerd; its lanes work off what there is. While requests are added, the queue is paused. */
export async function startWorkerContender(store: TestStore): Promise<RunningContender> {
  const simulator = await spawnSimulator()
  const env = { OPENAI_BASE_URL: `${simulator.url}/openai/v1`, SUBREQUEST_LIMIT: "10000" }
  const { url, pid, stop } = await startBareWorker({ store, env })
  const load = startLoad()

  async function call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await fetch(url + path, { method, headers: HEADERS, body: JSON.stringify(body) ?? null })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as Answer
  }

  async function addInBulk(count: number, bulk: number): Promise<void> {
    for (let left = count; left > 0; left -= bulk) {
      const requests = Array.from({ length: Math.min(left, bulk) }, () => request)
      await call("POST", "/v1/requests/bulk", { requests })
    }
  }

  async function addSingly(count: number, concurrency: number): Promise<void> {
    // Its connections are made with two calls each, which store requests too.
    const calls = count - 2 * concurrency
    const bodies = [JSON.stringify(request)]
    const job = { url: `${url}/v1/requests`, headers: HEADERS, bodies, concurrency, calls }
    await load.run({ ...job, maxMs: LONGEST_MS })
  }

  async function work(count: number): Promise<void> {
    await call("POST", "/v1/queue/resume")
    const isDone = async () =>
      (await call<{ counts: { completed: number } }>("GET", "/v1/stats")).counts.completed === count
    await eventually(isDone, { withinMs: LONGEST_MS, everyMs: 50 })
  }

  return {
    pid,
    run: async ({ act, count, amount }: Round) => {
      if (act === "idle") throw new Error("An idle Worker does nothing.")
      if (act !== "work") await call("POST", "/v1/queue/pause")
      const startedAt = performance.now()
      await { addInBulk, addSingly, work }[act](count, amount)
      return performance.now() - startedAt
    },
    close: async () => {
      await load.close()
      await stop()
      await simulator.stop()
    },
  }
}
