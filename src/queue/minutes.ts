import type { AttemptCounts, Percentiles } from "../core/pulse.ts"
import type { DurationBucket } from "./figures-contract.ts"
import type { Meta } from "./read-meta.ts"

// What `lua/include/figures.lua` counts: sparse maps of counters, "key:count key:count …". docs/history.md holds the keys.

/** As in `lua/include/figures.lua`. */
export const MINUTE_MS = 60_000
const MINUTES = 16
const RECENT_MINUTES = 15
const BUCKET_RATIO = 1.1

/** The fields of `meta` that the ring of minutes has. */
export const MINUTE_FIELDS = Array.from({ length: MINUTES }, (_, i) => `minute:${i}`)

/** By key. */
export type Counters = Map<string, number>

/** Durations by the number of their bucket: of n lie in it [1.1^n − 1, 1.1^(n+1) − 1) ms. */
export type Buckets = Map<number, number>

export interface CounterFigures {
  enqueued: number
  completed: number
  failed: number
  retried: number
  cancelled: number
  /** From due to the first call. */
  waits: Buckets
  /** By provider, of completed attempts. */
  providerTimes: Record<string, Buckets>
  /** By provider. */
  attempts: Record<string, AttemptCounts>
  commands: number
}

/** Adds those of a text to others. */
export function addCounters(into: Counters, text: string): Counters {
  for (const [, key = "", count] of text.matchAll(/(\S+):(\d+)/g)) {
    into.set(key, (into.get(key) ?? 0) + Number(count))
  }
  return into
}

interface Slot {
  /** Since the epoch. */
  minute: number
  counters: string
}

/** The ring, in no order. */
export function readRing(meta: Meta): Slot[] {
  return MINUTE_FIELDS.flatMap((field) => {
    const [, minute, counters = ""] = /^(\d+) (.*)$/.exec(meta[field] ?? "") ?? []
    return minute === undefined ? [] : [{ minute: Number(minute), counters }]
  })
}

/** What a roll has not taken yet: the current minute, and mostly none or one before it. */
export function readUnrolled(meta: Meta): Slot[] {
  return readRing(meta).filter(({ minute }) => minute > Number(meta.rolledAt))
}

/** Figures of the last 15 minutes, the current one among them. */
export function readRecent(meta: Meta, now: number): CounterFigures {
  const current = Math.floor(now / MINUTE_MS)
  const recent: Counters = new Map()
  for (const { minute, counters } of readRing(meta)) {
    if (minute <= current && minute > current - RECENT_MINUTES) addCounters(recent, counters)
  }
  return readCounters(recent)
}

const EVENTS = {
  e: "enqueued",
  c: "completed",
  f: "failed",
  r: "retried",
  x: "cancelled",
  $: "commands",
} as const

export function readCounters(counters: Counters): CounterFigures {
  const figures: CounterFigures = {
    ...{ enqueued: 0, completed: 0, failed: 0, retried: 0, cancelled: 0, commands: 0 },
    ...{ waits: new Map(), providerTimes: {}, attempts: {} },
  }
  for (const [key, count] of counters) {
    if (key in EVENTS) {
      figures[EVENTS[key as keyof typeof EVENTS]] = count
      continue
    }
    const [, kind, what = "", provider = ""] = /^([wpa])([^@]*)@?(.*)$/.exec(key) ?? []
    if (kind === "w") figures.waits.set(Number(what), count)
    if (kind === "p") {
      figures.providerTimes[provider] ??= new Map()
      figures.providerTimes[provider].set(Number(what), count)
    }
    if (kind === "a") {
      figures.attempts[provider] ??= {}
      figures.attempts[provider][what] = count
    }
  }
  return figures
}

export function addBuckets(all: Buckets[]): Buckets {
  const sum: Buckets = new Map()
  for (const buckets of all) {
    for (const [bucket, count] of buckets) sum.set(bucket, (sum.get(bucket) ?? 0) + count)
  }
  return sum
}

export function durationsOf(buckets: Buckets): DurationBucket[] {
  return [...buckets]
    .sort(([a], [b]) => a - b)
    .map(([bucket, count]) => ({ belowMs: BUCKET_RATIO ** (bucket + 1) - 1, count }))
}

/** From buckets 10 % apart, so within 5 % of the truth. */
export function percentilesOf(buckets: Buckets): Percentiles {
  const sorted = [...buckets].sort(([a], [b]) => a - b)
  const total = sorted.reduce((sum, [, count]) => sum + count, 0)
  const at = (share: number): number | null => {
    let seen = 0
    for (const [bucket, count] of sorted) {
      seen += count
      if (seen >= share * total) return Math.round(BUCKET_RATIO ** (bucket + 0.5) - 1)
    }
    return null
  }
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

export function percentilesByName(buckets: Record<string, Buckets>): Record<string, Percentiles> {
  return mapValues(buckets, percentilesOf)
}

export function durationsByName(buckets: Record<string, Buckets>): Record<string, DurationBucket[]> {
  return mapValues(buckets, durationsOf)
}

function mapValues<Of, To>(record: Record<string, Of>, change: (value: Of) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]))
}
