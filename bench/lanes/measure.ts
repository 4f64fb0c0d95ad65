import { eventually } from "../../test/helpers/eventually.ts"
import { newRequest } from "../../test/helpers/queue.ts"
import { spawnFleet } from "../../test/scale/processes.ts"
import { openStack } from "../../test/scale/stack.ts"

export interface LanesOptions {
  store: { url: string; token: string }
  simulatorUrl: string
  queueName: string
  lanes: number
  /** Backlog at the start; all of it is drained. */
  requests: number
  firstByteMs: number
  /** Of the whole answer, its first byte included. */
  answerMs: number
  /** false: headers come with the whole answer, as from a provider that is not asked to stream. */
  isStreamed: boolean
}

export interface LanesResult {
  /** As the provider saw them; equal to the requests when none was called twice. */
  calls: number
  startsPerMinute: number
  /** Of slots ÷ time to first byte. */
  share: number
  mostInFlight: number
}

/** As the drain divides its six connections. */
const PROVIDER_SLOTS = 4
const BULK = 1000
const LANES_PER_PROCESS = 16
const TOKENS_PER_SECOND = 10

/**
 * Drains a backlog with several lanes, each with the six connections of its own invocation, and counts when calls reach
 * the provider. Steady state: from when the first answers have ended until the backlog is gone.
 */
export async function measureLanes(options: LanesOptions): Promise<LanesResult> {
  const { lanes, requests, firstByteMs, answerMs, isStreamed, simulatorUrl, store, queueName } = options
  const { queue } = openStack(options)
  const text = directive(options)
  for (let left = requests; left > 0; left -= BULK) {
    await queue.enqueue(
      Array.from({ length: Math.min(left, BULK) }, () => newRequest({ text, timeoutMs: 60_000 })),
    )
  }

  const numbers = Array.from({ length: lanes }, (_, lane) => lane)
  const fleets = []
  for (let from = 0; from < lanes; from += LANES_PER_PROCESS) {
    const some = numbers.slice(from, from + LANES_PER_PROCESS)
    fleets.push(await spawnFleet({ store, simulatorUrl, queueName, lanes: some }))
  }
  const expectedMs = (requests / lanes / PROVIDER_SLOTS) * (isStreamed ? firstByteMs : answerMs) + answerMs
  try {
    await eventually(async () => (await queue.stats()).counts.completed === requests, {
      ...{ withinMs: 2 * expectedMs + 30_000, everyMs: 500 },
    })
  } finally {
    await Promise.all(fleets.map((fleet) => fleet.stop()))
  }

  const { calls, maxInFlight } = await readCalls(simulatorUrl)
  const startsPerMinute = steadyRate(
    calls.map(({ startedAt }) => startedAt),
    options,
  )
  const share = startsPerMinute / ((lanes * PROVIDER_SLOTS * 60_000) / firstByteMs)
  return { calls: calls.length, startsPerMinute, share, mostInFlight: maxInFlight.openai }
}

/**
 * Calls start in waves, one per connection, as headers arrive: so the time is taken from one call to another that is so
 * many whole waves later.
 */
function steadyRate(startedAt: number[], { lanes, answerMs }: LanesOptions): number {
  const starts = startedAt.toSorted((a, b) => a - b)
  const steady = starts.filter((at) => at >= (starts[0] ?? 0) + answerMs)
  const wave = lanes * PROVIDER_SLOTS
  const count = Math.floor((steady.length - 1) / wave) * wave
  return (count * 60_000) / ((steady[count] ?? 0) - (steady[0] ?? 0))
}

function directive({ firstByteMs, answerMs, isStreamed }: LanesOptions): string {
  const tokens = Math.round(((answerMs - firstByteMs) / 1000) * TOKENS_PER_SECOND)
  const headersLatencyMs = isStreamed ? firstByteMs : answerMs
  const tokensPerSecond = isStreamed ? TOKENS_PER_SECOND : 0
  const pace = `tokens=${tokens} tokensPerSecond=${tokensPerSecond}`
  return `[[sim: headersLatencyMs=${headersLatencyMs} latencyMs=0 ${pace}]]`
}

async function readCalls(simulatorUrl: string) {
  const response = await fetch(`${simulatorUrl}/__calls?limit=100000`)
  return (await response.json()) as { calls: { startedAt: number }[]; maxInFlight: { openai: number } }
}
