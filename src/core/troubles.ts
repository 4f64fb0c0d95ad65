import type { Pulse, PulseProvider, Trouble, TroubleCode } from "./pulse.ts"
import {
  type Attempts,
  sumUp,
  tellAttempts,
  tellCount,
  tellDuration,
  tellInstant,
  tellWaiting,
} from "./trouble-words.ts"
import { VENDORS } from "./vendors.ts"

/** From when on something is wrong. */
export interface Thresholds {
  /** There is a backlog, and nobody has claimed. */
  noDrainSeconds: number
  backlogAgeSeconds: number
  /** Of a provider's attempts over 15 minutes. */
  failurePercent: number
  /** Fewer attempts tell nothing. */
  failureAttempts: number
  /** Of the day's budget. */
  commandPercent: number
}

export const THRESHOLDS: Thresholds = {
  noDrainSeconds: 180,
  backlogAgeSeconds: 600,
  failurePercent: 25,
  failureAttempts: 20,
  commandPercent: 80,
}

/** What a pulse is judged by. */
export type Figures = Omit<Pulse, "troubles">

type Problem = Omit<Trouble, "code">

/** Of equal severity, the earlier is the more urgent. */
const FINDERS: [TroubleCode, (figures: Figures, thresholds: Thresholds) => Problem[]][] = [
  ["no_drain", findNoDrain],
  ["provider_account", ofProviders(findAccount)],
  ["breaker_open", ofProviders(findBreaker)],
  ["command_budget", findBudget],
  ["backlog_age", findBacklog],
  ["failure_rate", ofProviders(findFailures)],
  ["provider_blocked", ofProviders(findBlock)],
  ["queue_paused", findPause],
  ["provider_paused", ofProviders(findPausedProvider)],
]
const SEVERITIES = ["critical", "warning", "info"] as const

/** A request may be under way for 10 minutes; then at the latest a drain that lives claims again. */
const LONGEST_CALL_MS = 900_000
/** A shorter block is the usual way of keeping a rate. */
const LONG_BLOCK_MS = 60_000

/** What is wrong by these figures, the most urgent first; none: all is well. */
export function findTroubles(figures: Figures, thresholds: Thresholds = THRESHOLDS): Trouble[] {
  const troubles = FINDERS.flatMap(([code, find]) =>
    find(figures, thresholds).map((found) => ({ code, ...found })),
  )
  return SEVERITIES.flatMap((severity) => troubles.filter((trouble) => trouble.severity === severity))
}

type Finder = (name: string, provider: PulseProvider, figures: Figures, thresholds: Thresholds) => Problem[]

function ofProviders(find: Finder) {
  return (figures: Figures, thresholds: Thresholds): Problem[] =>
    Object.entries(figures.providers).flatMap(([name, provider]) =>
      find(name, provider, figures, thresholds).map((found) => ({ ...found, provider: name })),
    )
}

function findNoDrain(figures: Figures, { noDrainSeconds }: Thresholds): Problem[] {
  const { at, backlogSince, lastClaimAt, counts } = figures
  if (backlogSince === null || !couldStart(figures)) return []
  const since = Math.max(backlogSince, lastClaimAt ?? 0)
  const silentMs = at - since
  const isBusy = counts.processing > 0 && silentMs < LONGEST_CALL_MS
  if (silentMs < noDrainSeconds * 1000 || isBusy) return []
  return [
    {
      ...{ severity: "critical", provider: null, since },
      text: `Nobody drains the queue: ${tellWaiting(counts.pending)}, and none has been claimed since ${tellInstant(since, at)}, for ${tellDuration(silentMs)}.`,
      remedy:
        "Look whether the Cron Trigger fires, whether the log of the Worker tells errors of its lanes (DRAIN_LANES, the binding LANES), and, where workers in Node drain, whether their processes run; GET /v1/health tells whether the store answers.",
    },
  ]
}

/** Something waits for a provider that may be called now. Where a route leads is not known here: to any of them. */
function couldStart({ pendingByLine, providers, paused }: Figures): boolean {
  if (paused) return false
  const isOpen = ({ paused, blockedUntil }: PulseProvider) => !paused && blockedUntil === null
  const unpaused = Object.values(providers).filter((provider) => !provider.paused)
  return Object.entries(pendingByLine).some(([line, levels]) => {
    if (Object.values(levels).every((count) => count === 0)) return false
    if (line.startsWith("auto/")) return unpaused.length > 0 && unpaused.every(isOpen)
    const provider = providers[line.replace(/\+$/, "")]
    return provider !== undefined && isOpen(provider)
  })
}

function findAccount(name: string, provider: PulseProvider, figures: Figures): Problem[] {
  const { breaker, cause, troubledSince: since } = provider
  if (breaker === "closed" || cause !== "account") return []
  const known = since === null ? "" : ` since ${tellInstant(since, figures.at)}`
  const text = `${name} refuses the account${known}: its key is not accepted, or the balance or a spend limit is used up`
  return [
    {
      ...{ severity: "critical", provider: name, since },
      text: `${withCause(text, attemptsAt(name, figures))}.`,
      remedy: `Check key and balance in ${name}'s console (its key is a secret of the Worker: ${keySecretOf(name)}), then resume ${name} on the dashboard's page Providers or with POST /v1/providers/${name}/resume; ${probeOf(provider, figures.at)}`,
    },
  ]
}

/** Of others only the settings know it. */
function keySecretOf(name: string): string {
  return Object.hasOwn(VENDORS, name)
    ? `${name.toUpperCase()}_API_KEY`
    : "the one that CUSTOM_PROVIDERS names"
}

function findBreaker(name: string, provider: PulseProvider, figures: Figures): Problem[] {
  const { breaker, cause, troubledSince: since } = provider
  if (breaker === "closed" || cause === "account") return []
  const known = since === null ? "" : ` since ${tellInstant(since, figures.at)}`
  const state = breaker === "open" ? "its breaker is open" : "its breaker is half-open"
  return [
    {
      ...{ severity: "warning", provider: name, since },
      text: `${withCause(`${name}: ${state}, in trouble${known}`, attemptsAt(name, figures))}.`,
      remedy: `Pause ${name} (dashboard's page Providers, or POST /v1/providers/${name}/pause), or give its requests fallbacks; ${probeOf(provider, figures.at)}`,
    },
  ]
}

function probeOf({ blockedUntil }: PulseProvider, now: number): string {
  return blockedUntil === null
    ? "calls resume by themselves when the next request, a probe, succeeds."
    : `calls resume by themselves with a probe at ${tellInstant(blockedUntil, now)}.`
}

function findBlock(name: string, { breaker, blockedUntil }: PulseProvider, figures: Figures): Problem[] {
  if (blockedUntil === null || breaker === "open") return []
  const left = blockedUntil - figures.at
  const until = tellInstant(blockedUntil, figures.at)
  const text = `${name} has asked to be left alone until ${until}, for another ${tellDuration(left)}; ${tellWaiting(pendingFor(name, figures))} in its lines`
  return [
    {
      ...{ severity: left > LONG_BLOCK_MS ? "warning" : "info", provider: name, since: null },
      text: `${withCause(text, attemptsAt(name, figures))}.`,
      remedy: `Nothing: calls resume by themselves at ${until}. When it happens often, set limits below what the account allows (dashboard's page Providers, PATCH /v1/providers/${name}, or PROVIDER_LIMITS).`,
    },
  ]
}

function findBudget({ commands: { today, budget } }: Figures, { commandPercent }: Thresholds): Problem[] {
  if (budget === null || budget <= 0 || (today / budget) * 100 < commandPercent) return []
  const percent = Math.floor((today / budget) * 100)
  return [
    {
      ...{ severity: today >= budget ? "critical" : "warning", provider: null, since: null },
      text: `The queue has spent ${tellCount(today)} of its ${tellCount(budget)} Redis commands of today (UTC): ${percent} %.`,
      remedy:
        "Raise REDIS_COMMAND_BUDGET if the plan allows more; else spend less: enqueue in bulk, let callbacks tell of ends instead of asking for them, and lower DRAIN_LANES or the number of workers.",
    },
  ]
}

function findBacklog(figures: Figures, { backlogAgeSeconds }: Thresholds): Problem[] {
  const { at, backlogSince, waitMs, counts, stalledLines, paused } = figures
  const leastMs = backlogAgeSeconds * 1000
  if (backlogSince === null || at - backlogSince < leastMs) return []
  // A busy queue is never empty, though nobody waits for long.
  if (waitMs.p95 !== null && waitMs.p95 < leastMs && stalledLines.length === 0) return []
  const causes = [
    ...(paused ? ["the whole queue is paused"] : []),
    ...(stalledLines.length > 0 ? [`nothing starts in ${listed(stalledLines)}`] : []),
    ...(waitMs.p95 === null
      ? ["none has started for 15 minutes"]
      : [
          `one in twenty of those that started in the last 15 minutes had waited ${tellDuration(waitMs.p95)} or longer`,
        ]),
  ]
  const waiting = `${tellWaiting(counts.pending)}, most of them in the line ${longestLine(figures)}`
  const [remedy] = paused
    ? ["Resume the queue on the dashboard or with POST /v1/queue/resume."]
    : [
        "Look on the dashboard's page Providers at what holds their providers back; else raise limits (PATCH /v1/providers/{name}), DRAIN_CONCURRENCY or DRAIN_LANES, or start more workers.",
      ]
  return [
    {
      ...{ severity: "warning", provider: null, since: backlogSince },
      text: `There has been a backlog for ${tellDuration(at - backlogSince)}, since ${tellInstant(backlogSince, at)}: ${waiting}; ${causes.join("; ")}.`,
      remedy,
    },
  ]
}

function findFailures(
  name: string,
  _: PulseProvider,
  figures: Figures,
  { failurePercent, failureAttempts }: Thresholds,
): Problem[] {
  const attempts = attemptsAt(name, figures)
  const { total, failed, code } = attempts
  if (code === null || total < failureAttempts || (failed / total) * 100 < failurePercent) return []
  return [
    {
      ...{ severity: "warning", provider: name, since: null },
      text: `${name}: ${tellAttempts(attempts)} (${Math.round((failed / total) * 100)} % failed).`,
      remedy: remedyOf(code, name),
    },
  ]
}

function remedyOf(code: string, name: string): string {
  const failed = "the errors of failed requests (GET /v1/requests?state=failed) say more"
  switch (code) {
    case "provider_rejected":
    case "result_too_large":
      return `The requests themselves are refused: ${failed}; whoever sends them has to change them.`
    case "provider_auth":
    case "provider_quota":
      return `Check ${name}'s key and balance.`
    case "provider_rate_limited":
      return `Set limits below what ${name}'s account allows (dashboard's page Providers, PATCH /v1/providers/${name}, or PROVIDER_LIMITS).`
    case "timeout":
      return `Give its requests more time (their timeoutMs, or REQUEST_TIMEOUT_MS) or fallbacks; ${failed}.`
    case "lease_expired":
      return "Whoever made these calls was gone before they ended: look in the log for errors of lanes, ticks and workers, and whether they are restarted."
    default:
      return `Look at ${name}'s status page; pause it (dashboard's page Providers, or POST /v1/providers/${name}/pause) or give its requests fallbacks until it is well; ${failed}.`
  }
}

function findPause({ paused, counts }: Figures): Problem[] {
  if (!paused) return []
  return [
    {
      ...{ severity: "info", provider: null, since: null },
      text: `The whole queue is paused: it takes requests and starts none; ${tellWaiting(counts.pending)}.`,
      remedy: "Resume it on the dashboard or with POST /v1/queue/resume when calls may go on.",
    },
  ]
}

function findPausedProvider(name: string, provider: PulseProvider, figures: Figures): Problem[] {
  if (!provider.paused || figures.paused) return []
  return [
    {
      ...{ severity: "info", provider: name, since: null },
      text: `${name} is paused; ${tellWaiting(pendingFor(name, figures))} in its lines.`,
      remedy: `Resume it on the dashboard's page Providers or with POST /v1/providers/${name}/resume when calls may go on.`,
    },
  ]
}

function attemptsAt(name: string, { attempts }: Figures): Attempts {
  return sumUp(attempts[name])
}

function withCause(text: string, attempts: Attempts): string {
  return [text, tellAttempts(attempts)].filter(Boolean).join("; ")
}

function pendingFor(name: string, { pendingByLine }: Figures): number {
  return [name, `${name}+`].reduce((sum, line) => sum + sizeOf(pendingByLine[line]), 0)
}

function sizeOf(levels: Figures["pendingByLine"][string] | undefined): number {
  return Object.values(levels ?? {}).reduce((sum, count) => sum + count, 0)
}

function longestLine({ pendingByLine }: Figures): string {
  const [[line] = [""]] = Object.entries(pendingByLine).sort(([, a], [, b]) => sizeOf(b) - sizeOf(a))
  return line
}

const MAX_LISTED = 5

function listed(names: string[]): string {
  const more = names.length - MAX_LISTED
  return names.slice(0, MAX_LISTED).join(", ") + (more > 0 ? ` and ${more} more` : "")
}
