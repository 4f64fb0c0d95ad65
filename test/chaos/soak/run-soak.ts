/** `npm run chaos -- soak [--minutes 30]`: see docs/reliability.md. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { drawPlots } from "../../../bench/draw-plots.ts"
import { describeMachine } from "../../../bench/machine.ts"
import { printTable } from "../../../bench/print-result.ts"
import { writeResult } from "../../../bench/results.ts"
import { ADMIN_KEY, createCheckout, type Stack, startStack } from "../../helpers/stack.ts"
import { connectRaw } from "../../helpers/store.ts"
import { postScript } from "../../scale/scene.ts"
import { createCall } from "./http.ts"
import { type LoadReport, runLoad } from "./load.ts"
import { plotsOf } from "./plots.ts"
import { watchedProcesses } from "./processes.ts"
import { type Samples, takeSamples } from "./sample.ts"
import { slopePercent } from "./slope.ts"
import { attachToWorker } from "./worker-heap.ts"

const BENCH = new URL("../../../bench/", import.meta.url)
const HEAP_PROBE = new URL("./heap-probe.mjs", import.meta.url)
const SETTLE_MINUTES = 5
const FORGET_EVERY_MS = 60_000
/**
 * Each collection of workerd's heaps is a full one, and comes after the first MiB. Left alone workerd makes none for tens of
 * thousands of calls, since nothing limits a heap here as Cloudflare does, and what lies uncollected hides what is retained.
 */
const COLLECT_FULLY = "--gc-global --max-semi-space-size=1"
const WARM_UP_CALLS = 10_000
const WARM_UP_AT_ONCE = 8
/** Read, and refused for what it is. */
const REFUSED = { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" }
const LARGE = JSON.stringify({ messages: "x".repeat(1000) })
/** % of its size that nothing may grow by in ten minutes. */
const MOST_PERCENT = 1
/** So that what is kept for a day comes and goes within minutes. */
const SHORT_LIVES = { RESULT_TTL_SECONDS: "60", DEAD_LETTER_TTL_SECONDS: "60" }
/** Of any hundred calls about five fail: passing trouble, a refusal, an answer that breaks off. */
const TROUBLE = [
  { match: { provider: "openai", every: 20 }, behaviour: { error: "unavailable" } },
  { match: { provider: "deepseek", every: 20 }, behaviour: { error: "rejected" } },
  { match: { provider: "anthropic", every: 20 }, behaviour: { fault: "cut" } },
]

export async function runSoak(minutes: number): Promise<boolean> {
  if (!existsSync(new URL("node_modules/echarts", BENCH))) {
    execFileSync("npm", ["ci", "--prefix", "bench", "--no-audit", "--no-fund"], { stdio: "inherit" })
  }
  const machine = describeMachine()
  const at = new Date().toISOString()
  // Shorter runs are for trying the soak itself.
  const settledAt = Math.min(SETTLE_MINUTES, minutes / 3)
  const checkout = createCheckout("redis")
  const heaps = join(checkout.folder, "heaps")
  mkdirSync(heaps)
  const stack = await startStack(checkout, {
    ...SHORT_LIVES,
    // As without the tests' haste.
    DEV_CRON_MS: "60000",
    SOAK_HEAPS: heaps,
    NODE_OPTIONS: `--import=${HEAP_PROBE.href}`,
    MINIFLARE_WORKERD_V8_FLAGS: COLLECT_FULLY,
  })
  try {
    await postScript(String(stack.addresses.simulatorUrl), TROUBLE)
    const redis = await connectRaw({ socketPath: redisSocket(stack) })
    const processes = watchedProcesses(checkout)
    console.log(
      `${machine}\n${minutes} minutes at ${stack.url}: ${processes.map(({ name }) => name).join(", ")}`,
    )
    await warmUp(stack.url)
    const workerHeap = await attachToWorker(processes)
    const over = new AbortController()
    const { signal } = over
    const forgetting = setInterval(() => void forgetCalls(stack), FORGET_EVERY_MS)
    signal.addEventListener("abort", () => clearInterval(forgetting))
    const samples = takeSamples(processes, { redis, heaps, workerHeap, settledAt, signal })
    const load = runLoad(createCall(stack.url, ADMIN_KEY), minutes).finally(() => over.abort())
    const [sampled, report] = await Promise.all([samples, load])
    redis.destroy()
    workerHeap.close()
    return conclude({ at, machine, minutes, settledAt }, sampled, report)
  } finally {
    await stack.stop()
    await checkout.remove()
  }
}

/** Code is compiled and optimized, and allocators come to what they keep, within the first tens of thousands of calls. */
async function warmUp(url: string): Promise<void> {
  let left = WARM_UP_CALLS
  const ask = async () => {
    while (left-- > 0) {
      await (await fetch(`${url}/v1/health`)).arrayBuffer()
      await (
        await fetch(`${url}/v1/requests`, { method: "POST", headers: REFUSED, body: LARGE })
      ).arrayBuffer()
    }
  }
  await Promise.all(Array.from({ length: WARM_UP_AT_ONCE }, ask))
}

/** The simulator's record of what was called, which it keeps for tests. */
async function forgetCalls({ addresses: { simulatorUrl } }: Stack): Promise<void> {
  await fetch(`${simulatorUrl}/__calls`, { method: "DELETE" }).catch(() => undefined)
}

/** Past the bridge, which serves no MEMORY, as Upstash does not. */
function redisSocket({ checkout }: Stack): string {
  return readFileSync(join(checkout.folder, ".data", "store", "store.socket"), "utf8")
}

interface Run {
  at: string
  machine: string
  minutes: number
  settledAt: number
}

/** Prints and keeps what was found; true when nothing grows and nothing was lost. */
function conclude(run: Run, { series, families }: Samples, load: LoadReport): boolean {
  const rows = series.map(({ name, unit, judged, points }) => {
    // While the load lasts: what comes after it is no steady state.
    const steady = points.filter(([minute]) => minute >= run.settledAt && minute <= run.minutes)
    const slope = steady.length < 2 ? Number.NaN : slopePercent(steady)
    const values = steady.map(([, value]) => value)
    const verdict = judged === true ? (slope <= MOST_PERCENT ? "steady" : "GROWS") : judged
    return { name, unit, from: values[0] ?? null, to: values.at(-1) ?? null, slope, verdict }
  })
  printTable({
    title: `After ${run.settledAt} of ${run.minutes} minutes, % per 10 minutes`,
    columns: ["what", "unit", "from", "to", "slope", "verdict"],
    rows: rows.map((row) => [
      ...[row.name, row.unit, row.from?.toFixed(1) ?? "", row.to?.toFixed(1) ?? ""],
      ...[row.slope.toFixed(2), row.verdict],
    ]),
  })
  const [first, last] = families
  printTable({
    title: "Redis by family of keys, keys and KiB, when settled and at the end",
    columns: ["family", "keys", "KiB", "keys", "KiB"],
    rows: Object.entries(last?.families ?? {}).map(([family, now]) => {
      const before = first?.families[family] ?? { keys: 0, bytes: 0 }
      return [family, before.keys, kib(before.bytes), now.keys, kib(now.bytes)]
    }),
  })
  console.log(JSON.stringify(load, null, 2))
  const hasGrown = rows.some(({ verdict }) => verdict === "GROWS")
  const isMet = !hasGrown && load.lost + load.open === 0 && Object.keys(load.unexpected).length === 0
  const found = { isMet, mostPercentPerTenMinutes: MOST_PERCENT, series: rows, families, load }
  writeResult("soak.json", { ...run, ...found })
  drawPlots(plotsOf(series))
  return isMet
}

const kib = (bytes: number) => (bytes / 1024).toFixed(1)
