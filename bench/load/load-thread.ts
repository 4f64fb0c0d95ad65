/** Does what `load.ts` is asked for. */
import { Agent, request } from "node:http"
import { parentPort } from "node:worker_threads"
import type { LoadJob, LoadResult } from "./load.ts"

parentPort?.on("message", async (job: LoadJob) => {
  const reply = await run(job).catch((error: Error) => ({ error: `${job.url}: ${error.message}` }))
  parentPort?.postMessage(reply)
})

async function run(job: LoadJob): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: job.concurrency, noDelay: true })
  try {
    // Connections are made, and the code is warm, before anything counts.
    await call({ ...job, calls: 2 * job.concurrency }, agent)
    const startedAt = performance.now()
    const cpu = process.threadCpuUsage()
    const latenciesMs = await call(job, agent)
    const { user, system } = process.threadCpuUsage(cpu)
    return { latenciesMs, elapsedMs: performance.now() - startedAt, clientCpuMs: (user + system) / 1000 }
  } finally {
    agent.destroy()
  }
}

async function call(
  { concurrency, calls, maxMs, bodies, url, headers }: LoadJob,
  agent: Agent,
): Promise<number[]> {
  const latenciesMs: number[] = []
  const endsAt = performance.now() + maxMs
  let begun = 0
  const callOn = async () => {
    while (begun < calls && performance.now() < endsAt) {
      const body = bodies[begun++ % bodies.length] ?? ""
      const startedAt = performance.now()
      await post(url, headers, body, agent)
      latenciesMs.push(performance.now() - startedAt)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, callOn))
  return latenciesMs
}

function post(url: string, headers: Record<string, string>, body: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const length = { "content-length": Buffer.byteLength(body) }
    const sent = request(url, { method: "POST", agent, headers: { ...headers, ...length } }, (answer) => {
      const { statusCode = 0 } = answer
      answer.on("error", reject).on("end", () => {
        if (statusCode >= 200 && statusCode < 300) resolve()
        else reject(new Error(`status ${statusCode}`))
      })
      answer.resume()
    })
    sent.on("error", reject)
    sent.end(body)
  })
}
