import { cpus } from "node:os"
import { countCommands } from "../../test/helpers/count.ts"
import { eventually } from "../../test/helpers/eventually.ts"
import { openScene } from "../../test/scale/scene.ts"
import type { PlannedRequest } from "./workload.ts"

export interface PlayOptions {
  /** In order of arrival. */
  requests: PlannedRequest[]
  lanes: number
  env?: Record<string, string>
  /** Ends then, with what is pending; absent: when all have ended. */
  untilMs?: number
}

/** A request and what became of it, ms after the beginning by the scene's clock. */
export interface PlayedRequest extends PlannedRequest {
  /** When its call reached the provider; null: it had not when the scene ended. */
  startedMs: number | null
  endedMs: number | null
}

export interface Play {
  requests: PlayedRequest[]
  /** More than requests when one was called twice. */
  calls: number
  completed: number
  /** Billed ones, for all that was done meanwhile; a look each second at whether all is done is among them. */
  commands: number
  /** Of all processors, by everything that ran on the machine meanwhile, 0 to 1. */
  processorShare: number
}

/** Ten minutes pass in one. */
export const FACTOR = 10
const CHARS_PER_TOKEN = 4
const FILLER = "An edge queue keeps its order. "
/** Answers of a thousand tokens at 40 a second are whole by then. */
const TIMEOUT_MS = 120_000
const LOOK_EVERY_MS = 1000
const LONGEST_TAIL_MS = 3_600_000
/** Share of the processors' time; above it, work waits for them often enough to show, ten times magnified. */
const FREE_OF_DOUBT = 0.7

/**
 * Sends requests at their times to a real queue in a real Redis, and has lanes drain it that call a simulated provider. All in
 * this machine, ten times as fast as the scene's clock says.
 */
export async function play({ requests, lanes, env = {}, untilMs }: PlayOptions): Promise<Play> {
  const scene = await openScene({ factor: FACTOR, env })
  try {
    const { queue, enqueue, arrive, startLanes } = scene.open("replay")
    const backlog = requests.filter(({ arrivalMs }) => arrivalMs < 0)
    const toCome = requests.slice(backlog.length)
    await enqueue(backlog.map(toRequest))
    await startLanes(lanes)
    const processors = watchProcessors()
    let startedAt = 0
    const readCompleted = async () => (await queue.stats()).counts.completed
    const { total: commands } = await countCommands(scene.store.redis, async () => {
      startedAt = scene.clock()
      await arrive(
        toCome.map(({ arrivalMs }) => arrivalMs),
        (i) => toRequest(toCome[i] as PlannedRequest, backlog.length + i),
      )
      if (untilMs !== undefined) return scene.pass(untilMs - (scene.clock() - startedAt))
      const isOver = async () => (await readCompleted()) === requests.length
      await eventually(isOver, { withinMs: LONGEST_TAIL_MS / FACTOR, everyMs: LOOK_EVERY_MS })
    })
    const processorShare = processors()
    const calls = await scene.calls()
    const byTag = new Map(calls.map((call) => [call.tag.split(":")[0], call]))
    const after = (at: number | null | undefined) => (at ? at - startedAt : null)
    return {
      requests: requests.map((request, i) => {
        const call = byTag.get(nameOf(i))
        return { ...request, startedMs: after(call?.startedAt), endedMs: after(call?.endedAt) }
      }),
      calls: calls.length,
      completed: await readCompleted(),
      commands,
      processorShare,
    }
  } finally {
    await scene.close()
  }
}

/** Says so when the machine had too little left for the figures to be the design's. */
export function noteMachine(what: string, plays: Play[]): string[] {
  const most = Math.max(...plays.map(({ processorShare }) => processorShare))
  if (most <= FREE_OF_DOUBT) return []
  const share = Math.round(most * 100)
  return [
    `${what}: processors were busy for ${share} % of the time, so its waits are the machine's as much as the design's.`,
  ]
}

function nameOf(i: number): string {
  return `request ${i}`
}

/** As long as the trace says, with how it is to be answered: the simulator's times are real. */
function toRequest(planned: PlannedRequest, i: number) {
  const { priority, organizationId, contextTokens, generatedTokens, firstTokenMs, tokensPerSecond } = planned
  const first = (firstTokenMs / FACTOR).toFixed(1)
  const rate = (tokensPerSecond * FACTOR).toFixed(1)
  const directive = `[[sim: headersLatencyMs=${first} latencyMs=0 tokens=${generatedTokens} tokensPerSecond=${rate}]]`
  const length = contextTokens * CHARS_PER_TOKEN
  const text = `${nameOf(i)}: ${directive} ${FILLER.repeat(Math.ceil(length / FILLER.length)).slice(0, length)}`
  return { priority, organizationId, text, timeoutMs: TIMEOUT_MS }
}

/** Tells the share of time in which processors were busy since. */
function watchProcessors(): () => number {
  const read = () => {
    const times = cpus().map((cpu) => cpu.times)
    const total = times.reduce(
      (sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq,
      0,
    )
    return { total, idle: times.reduce((sum, { idle }) => sum + idle, 0) }
  }
  const before = read()
  return () => {
    const after = read()
    return 1 - (after.idle - before.idle) / (after.total - before.total)
  }
}
