import { FINISHED_STATES } from "../core/request.ts"
import type { DurationBucket, QueueFigures } from "../queue/figures-contract.ts"
import type { Family, Sample } from "./open-metrics.ts"

const SEVERITIES = ["critical", "warning", "info"] as const
/**
 * Of histograms, ms: the most that the bucket of 1, 5, 10, 25, 50, 100, 250 and 500 ms, 1, 2.5, 5, 10 and 30 s, 1, 2, 5 and
 * 10 min holds. The queue counts in buckets, so at the end of one nothing has to be guessed.
 */
const BOUNDS_MS = [
  ...[1, 5, 10, 27, 53, 105, 250, 538, 1050, 2725, 5312, 10_352, 32_492, 63_320, 123_394, 320_055, 623_699],
  Number.POSITIVE_INFINITY,
]

/** Of the whole queue, as docs/metrics.md lists them. Names and labels are an interface: others' queries rest on them. */
export function familiesOf(figures: QueueFigures, version: string): Family[] {
  const { pulse } = figures
  const { at, counts, backlogSince, lastClaimAt, paused, lanes, commands } = pulse
  const providers = Object.entries(pulse.providers)
  const byProvider = (measure: (state: (typeof providers)[number][1]) => number) =>
    providers.map(([provider, state]): Sample => [{ provider }, measure(state)])
  return [
    counter("aiq_requests_enqueued", "Requests accepted.", [[{}, figures.enqueued]]),
    counter(
      "aiq_requests_finished",
      "Requests that came to their end, by how.",
      FINISHED_STATES.map((state) => [{ state }, figures[state]]),
    ),
    counter("aiq_requests_retried", "Attempts that are tried again.", [[{}, figures.retried]]),
    counter(
      "aiq_attempts",
      "Attempts by what they came to: completed, or the code of their error.",
      attemptsOf(figures),
    ),
    histogram("aiq_wait_seconds", "From due to the first call.", [[{}, figures.waits]]),
    histogram(
      "aiq_provider_seconds",
      "Calls that were answered, from their start to the end of the answer.",
      Object.entries(figures.providerTimes).map(([provider, buckets]) => [{ provider }, buckets]),
    ),
    gauge(
      "aiq_pending",
      "Requests in line.",
      Object.entries(pulse.pendingByLine).flatMap(([line, levels]) =>
        Object.entries(levels).map(([priority, count]): Sample => [{ line, priority }, count]),
      ),
    ),
    gauge("aiq_scheduled", "Requests that are not due.", [[{}, counts.scheduled]]),
    gauge("aiq_processing", "Requests that are leased.", [[{}, counts.processing]]),
    seconds(
      "aiq_backlog_age_seconds",
      "For how long something has been pending without a break; 0: nothing is.",
      [[{}, backlogSince === null ? 0 : since(backlogSince, at)]],
    ),
    gauge("aiq_queue_paused", "1: the whole queue is paused.", [[{}, Number(paused)]]),
    gauge(
      "aiq_provider_breaker_open",
      "1: the breaker is open, or lets one request through as a probe.",
      byProvider(({ breaker }) => Number(breaker !== "closed")),
    ),
    gauge(
      "aiq_provider_paused",
      "1: nothing starts, because somebody wants it so.",
      byProvider((state) => Number(state.paused)),
    ),
    seconds(
      "aiq_provider_blocked_seconds",
      "How much longer no call starts; 0: calls may start.",
      byProvider(({ blockedUntil }) => (blockedUntil === null ? 0 : since(at, blockedUntil))),
    ),
    seconds(
      "aiq_lane_last_claim_timestamp_seconds",
      "When the lane last asked for work, as Unix time.",
      lanes.map(({ name, lastClaimAt }) => [{ lane: name }, lastClaimAt / 1000]),
    ),
    seconds(
      "aiq_last_claim_timestamp_seconds",
      "When anything that drains last asked for work, as Unix time.",
      lastClaimAt === null ? [] : [[{}, lastClaimAt / 1000]],
    ),
    gauge(
      "aiq_troubles",
      "What is wrong, as GET /v1/pulse tells it, by severity.",
      SEVERITIES.map((severity) => [
        { severity },
        pulse.troubles.filter((trouble) => trouble.severity === severity).length,
      ]),
    ),
    counter("aiq_redis_commands", "Redis commands spent, as they are billed.", [[{}, figures.commands]]),
    gauge("aiq_redis_commands_today", "Redis commands spent since 0:00 UTC.", [[{}, commands.today]]),
    gauge(
      "aiq_redis_commands_budget",
      "Redis commands that may be spent in a day.",
      commands.budget === null ? [] : [[{}, commands.budget]],
    ),
    { name: "aiq_build", type: "info", help: "The running version.", samples: [[{ version }, 1]] },
  ]
}

/** What nothing has happened to yet counts 0: a rate needs to have seen that. */
function attemptsOf({ attempts, pulse: { providers } }: QueueFigures): Sample[] {
  const names = [...new Set([...Object.keys(providers), ...Object.keys(attempts)])]
  return names.flatMap((provider) =>
    Object.entries({ completed: 0, ...attempts[provider] }).map(
      ([code, count]): Sample => [{ provider, code }, count],
    ),
  )
}

/** Without sums, which OpenMetrics wants exact, and so without counts: the bucket of all is the count. */
function histogram(
  name: string,
  help: string,
  metrics: [Record<string, string>, DurationBucket[]][],
): Family {
  const samples = metrics.flatMap(([labels, buckets]) =>
    BOUNDS_MS.map((bound): Sample => {
      const held = buckets.filter(({ belowMs }) => belowMs <= bound + 1)
      const le = bound === Number.POSITIVE_INFINITY ? "+Inf" : String(bound / 1000)
      return [{ ...labels, le }, held.reduce((sum, { count }) => sum + count, 0)]
    }),
  )
  return { name, type: "histogram", unit: "seconds", help, samples }
}

function counter(name: string, help: string, samples: Sample[]): Family {
  return { name, type: "counter", help, samples }
}

function gauge(name: string, help: string, samples: Sample[]): Family {
  return { name, type: "gauge", help, samples }
}

function seconds(name: string, help: string, samples: Sample[]): Family {
  return { ...gauge(name, help, samples), unit: "seconds" }
}

/** Seconds from one instant to another, in epoch ms; clocks differ, and none is below 0. */
function since(from: number, to: number): number {
  return Math.max(to - from, 0) / 1000
}
