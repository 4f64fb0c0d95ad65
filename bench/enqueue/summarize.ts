import { mean, median, percentile } from "../median.ts"
import type { Plot, Table } from "../section.ts"
import type { Contender } from "./contenders.ts"
import { ALONE, BULK, CROWD, SHAPES, type Shape, type Turn } from "./measure.ts"

const NAMES: Contender["name"][] = ["PING", "queue", "textbook", "BullMQ"]

interface Summary {
  averageMs: number
  p50Ms: number
  p99Ms: number
  /** The median over rounds of this median ÷ PING's of the same round. */
  toPing: number
  /** Requests, not calls; the median over rounds. */
  perMinute: number
}

export function summarize(turns: Turn[], contender: Contender["name"], shape: Shape): Summary {
  const own = turns.filter((turn) => turn.contender === contender && turn.shape === shape)
  const latencies = own.flatMap(({ latenciesMs }) => latenciesMs)
  const pings = turns.filter((turn) => turn.contender === "PING" && turn.shape === shape)
  const pingOf = (round: number) => median(pings.find((turn) => turn.round === round)?.latenciesMs ?? [])
  return {
    averageMs: mean(latencies),
    p50Ms: median(latencies),
    p99Ms: percentile(latencies, 0.99),
    toPing: median(own.map(({ latenciesMs, round }) => median(latenciesMs) / pingOf(round))),
    perMinute: median(
      own.map(({ latenciesMs, elapsedMs }) => (60_000 * shape.bulk * latenciesMs.length) / elapsedMs),
    ),
  }
}

export function latencyTable(title: string, turns: Turn[]): Table {
  const rows = SHAPES.flatMap((shape) =>
    NAMES.map((name) => {
      const { averageMs, p50Ms, p99Ms, toPing, perMinute } = summarize(turns, name, shape)
      const times = [averageMs, p50Ms, p99Ms, toPing].map((value) => value.toFixed(2))
      return [shape.name, name, ...times, name === "PING" ? "–" : Math.round(perMinute)]
    }),
  )
  const columns = ["posted", "to", "average, ms", "p50, ms", "p99, ms", "× PING (p50)", "requests a minute"]
  return { title, columns, rows }
}

/** What the project that this one follows has published of itself; its 20 went one after another. */
const REFERENCE = ["reference implementation, as published", "7.65", "153", "–", "over 1,000", "–"]

export function referenceTable(measured: { where: string; turns: Turn[] }[]): Table {
  const rows = measured.map(({ where, turns }) => {
    const alone = summarize(turns, "queue", ALONE)
    const times = [alone.averageMs, 20 * alone.averageMs, summarize(turns, "queue", BULK).averageMs]
    const rates = [alone.perMinute, summarize(turns, "queue", CROWD).perMinute]
    return [`queue, ${where}`, ...times.map((ms) => ms.toFixed(2)), ...rates.map(Math.round)]
  })
  return {
    title: "Beside the reference implementation",
    columns: [
      ...["", "average, ms", "20 one after another (20 × average), ms", "20 in one bulk call, ms"],
      ...["a minute, 1 concurrent", "a minute, 50 concurrent"],
    ],
    rows: [REFERENCE, ...rows],
  }
}

/** Where the processor's time goes that one call takes, alone. */
export function cpuTable(turns: Turn[]): Table {
  const rows = NAMES.map((name) => {
    const own = turns.filter((turn) => turn.contender === name && turn.shape === ALONE)
    const calls = own.reduce((sum, { latenciesMs }) => sum + latenciesMs.length, 0)
    const perCall = (spent: (turn: Turn) => number) =>
      (own.reduce((sum, turn) => sum + spent(turn), 0) / calls).toFixed(2)
    return [
      ...[name, perCall(({ cpu }) => cpu.serverMs), perCall(({ cpu }) => cpu.bridgeMs)],
      ...[perCall(({ cpu }) => cpu.redisMs), perCall(({ clientCpuMs }) => clientCpuMs)],
    ]
  })
  return {
    title: "CPU time of one call at 1 concurrent on loopback, ms",
    columns: ["call", "Worker or server", "bridge", "Redis", "caller"],
    rows,
  }
}

export function latencyPlot(file: string, title: string, turns: Turn[]): Plot {
  const single = SHAPES.filter(({ bulk }) => bulk === 1)
  return {
    ...{ file, title },
    x: { name: "concurrent calls", isLogarithmic: true },
    y: { name: "median latency, ms", isLogarithmic: true },
    series: NAMES.map((name) => ({
      name,
      points: single.map((shape) => [shape.concurrency, summarize(turns, name, shape).p50Ms]),
    })),
  }
}
