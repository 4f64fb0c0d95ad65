import { type Command, commandName } from "./commands.ts"

export type Route = "command" | "pipeline" | "multi-exec" | "path"

const FAULTS = ["drop", "reset", "delay", "status", "noscript", "repeat"] as const

/** What goes wrong, and for which requests: every selector that is present must hold. */
export interface FaultRule {
  /**
   * `drop` ends the connection without an answer, `reset` does so with a TCP reset, `delay` holds the request up for
   * `delayMs`, `status` answers with `status` and an error body, `noscript` lets EVALSHA meet an empty script cache,
   * `repeat` executes the commands twice and answers what the second time gave, as behind a proxy that tries again.
   */
  fault: (typeof FAULTS)[number]
  /** Before or after the commands are executed. Default `before`; `noscript` and `repeat` ignore it. */
  when?: "before" | "after"
  delayMs?: number
  /** 100–599. Default 500. */
  status?: number
  /** Answer this text instead of Upstash's JSON, with `status`. */
  body?: string
  route?: Route
  /** The request's path and body contain this text: a command's name, a script's SHA, a key. */
  contains?: string
  /** With this chance, from `seed` (default 1), so that a run can be repeated. */
  probability?: number
  seed?: number
  /** Only each n-th of the requests that the selectors above hold for. */
  every?: number
  /** At most n times; then the rule is spent. */
  times?: number
}

interface ActiveRule extends FaultRule {
  random: () => number
  matched: number
  fired: number
}

export interface Faults {
  /** Adds a rule; the result removes it. Throws a `RangeError` on a rule that makes no sense. */
  inject(rule: FaultRule): () => void
  clear(): void
  /** The rules with how often each has fired. */
  list(): (FaultRule & { fired: number })[]
}

/** What the bridge asks, once per request. */
export class FaultInjector implements Faults {
  readonly #rules = new Set<ActiveRule>()

  inject(rule: FaultRule): () => void {
    checkRule(rule)
    const active = { ...rule, random: seededRandom(rule.seed ?? 1), matched: 0, fired: 0 }
    this.#rules.add(active)
    return () => this.#rules.delete(active)
  }

  clear(): void {
    this.#rules.clear()
  }

  list(): (FaultRule & { fired: number })[] {
    return [...this.#rules].map(({ random: _random, matched: _matched, ...rule }) => rule)
  }

  /** The rules that strike this request, in the order they were added. */
  strike(route: Route, path: string, body: Buffer, commands: Command[]): FaultRule[] {
    if (this.#rules.size === 0) return []
    return [...this.#rules].filter((rule) => {
      if (rule.route !== undefined && rule.route !== route) return false
      if (rule.fault === "noscript" && !commands.some(isEvalSha)) return false
      if (rule.contains !== undefined && !path.includes(rule.contains) && !body.includes(rule.contains))
        return false
      if (rule.probability !== undefined && rule.random() >= rule.probability) return false
      rule.matched += 1
      if (rule.every !== undefined && rule.matched % rule.every !== 0) return false
      if (rule.times !== undefined && rule.fired >= rule.times) return false
      rule.fired += 1
      return true
    })
  }
}

export function isEvalSha(command: Command): boolean {
  return commandName(command) === "EVALSHA"
}

function checkRule(rule: FaultRule): void {
  const wrong = (what: string) => {
    throw new RangeError(`fault rule: ${what}`)
  }
  const positive = (value: number | undefined) =>
    value === undefined || (Number.isInteger(value) && value > 0)
  if (!FAULTS.includes(rule.fault)) wrong(`unknown fault "${rule.fault}"`)
  if (!["before", "after", undefined].includes(rule.when)) wrong(`unknown when "${rule.when}"`)
  if (rule.fault === "delay" && !((rule.delayMs ?? -1) >= 0)) wrong("delay needs delayMs")
  const status = rule.status ?? 500
  if (!Number.isInteger(status) || status < 100 || status > 599) wrong("status must be 100–599")
  if (!positive(rule.every) || !positive(rule.times)) wrong("every and times must be whole numbers from 1")
  const chance = rule.probability ?? 0
  if (!(chance >= 0 && chance <= 1)) wrong("probability must be 0–1")
}

/** Mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
