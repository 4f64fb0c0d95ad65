import { seededRandom } from "../../dev/bridge/faults.ts"
import { PRIORITIES, type Priority } from "../../src/core/request.ts"
import { readTrace } from "../data/read-trace.ts"

/** One request to come, and how its provider will answer it. Times are the scene's. */
export interface PlannedRequest {
  /** After the beginning; negative: it is there before the lanes start. */
  arrivalMs: number
  priority: Priority
  organizationId: string
  contextTokens: number
  generatedTokens: number
  firstTokenMs: number
  tokensPerSecond: number
}

export type Plan = Pick<PlannedRequest, "arrivalMs" | "contextTokens" | "generatedTokens"> &
  Partial<PlannedRequest>

/** Of all requests. */
export const PRIORITY_SHARES: Record<Priority, number> = { critical: 0.05, high: 0.15, normal: 0.6, low: 0.2 }
/** The nth largest sends 1/n as much as the largest. */
const ORGANIZATIONS = 20
/** The logarithm is normal: half are below, 5 % above 1.6 s, 1 % above 2.4 s. */
const FIRST_TOKEN_MEDIAN_MS = 600
const FIRST_TOKEN_SIGMA = 0.6
const SLOWEST_TOKENS_PER_SECOND = 40
const FASTEST_TOKENS_PER_SECOND = 80
const SEED = 20_231_116

export const ANSWERS =
  `time to first token log-normal, median ${FIRST_TOKEN_MEDIAN_MS} ms, σ ${FIRST_TOKEN_SIGMA}; ` +
  `${SLOWEST_TOKENS_PER_SECOND} to ${FASTEST_TOKENS_PER_SECOND} tokens/s, uniform; seed ${SEED}`

/** Draws what is not given. The same plans give the same requests. */
export function drawRequests(plans: Plan[]): PlannedRequest[] {
  const random = seededRandom(SEED)
  const weights = Array.from({ length: ORGANIZATIONS }, (_, i) => 1 / (i + 1))
  const shares = PRIORITIES.map((priority) => PRIORITY_SHARES[priority])
  const speeds = FASTEST_TOKENS_PER_SECOND - SLOWEST_TOKENS_PER_SECOND
  return plans.map((plan) => ({
    priority: PRIORITIES[drawIndex(shares, random())] ?? "normal",
    organizationId: `org-${drawIndex(weights, random()) + 1}`,
    firstTokenMs: FIRST_TOKEN_MEDIAN_MS * Math.exp(FIRST_TOKEN_SIGMA * drawNormal(random)),
    tokensPerSecond: SLOWEST_TOKENS_PER_SECOND + speeds * random(),
    ...plan,
  }))
}

/** The part of a trace with most requests in that time; all of it when it is shorter. */
export function planTrace(name: "conv" | "code", spanMs: number): Plan[] {
  const rows = readTrace(name)
  let [from, most, first] = [0, 0, 0]
  for (const [last, { arrivalMs }] of rows.entries()) {
    while (arrivalMs - (rows[first]?.arrivalMs ?? 0) >= spanMs) first += 1
    if (last + 1 - first > most) [from, most] = [first, last + 1 - first]
  }
  const slice = rows.slice(from, from + most)
  return slice.map((row) => ({ ...row, arrivalMs: row.arrivalMs - (slice[0]?.arrivalMs ?? 0) }))
}

/** Arrivals at an even rate, from one instant to another, ms. */
export function planEvenly(
  perSecond: number,
  [fromMs, toMs]: [number, number],
  plan: Omit<Plan, "arrivalMs">,
) {
  const count = Math.round((perSecond * (toMs - fromMs)) / 1000)
  return Array.from(
    { length: count },
    (_, i): Plan => ({ ...plan, arrivalMs: fromMs + (i * 1000) / perSecond }),
  )
}

function drawIndex(weights: number[], random: number): number {
  let left = random * weights.reduce((sum, weight) => sum + weight, 0)
  for (const [i, weight] of weights.entries()) {
    left -= weight
    if (left < 0) return i
  }
  return weights.length - 1
}

/** Box and Muller. */
function drawNormal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
