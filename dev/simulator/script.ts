import { createHash } from "node:crypto"
import { type Behaviour, type Rule, readDirectives } from "./behaviour.ts"
import type { ProviderName } from "./wire-format.ts"

/** What a rule is matched against. */
export interface CallFacts {
  provider: ProviderName
  model: string
  lastUserText: string
}

interface CountedRule {
  rule: Rule
  /** Calls that matched, whether or not it was this rule that answered them. */
  calls: number
  /** Calls it answered. */
  uses: number
}

interface ActiveRule extends CountedRule {
  id: number
}

/** Messages whose directives are counted at a time; the oldest is forgotten first. */
const MAX_COUNTED_MESSAGES = 100_000

/** Decides how each call is answered: the message's own directive over the first rule that applies over the defaults. */
export class Script {
  #rules: ActiveRule[] = []
  #directives = new Map<string, CountedRule[]>()
  #lastId = 0

  add(rule: Rule): number {
    this.#lastId += 1
    this.#rules.push({ id: this.#lastId, rule, calls: 0, uses: 0 })
    return this.#lastId
  }

  /** False when there is no such rule. */
  remove(id: number): boolean {
    const before = this.#rules.length
    this.#rules = this.#rules.filter((active) => active.id !== id)
    return this.#rules.length < before
  }

  clear(): void {
    this.#rules = []
    this.#directives.clear()
  }

  list(): ReadonlyArray<Readonly<ActiveRule>> {
    return this.#rules.map((active) => ({ ...active }))
  }

  /** Counts the call against the rules. `problem` says what is wrong with a directive, in words. */
  decide(facts: CallFacts, defaults: Behaviour): { behaviour: Behaviour; problem: string | null } {
    const directives = readDirectives(facts.lastUserText)
    if (directives.problem !== null) return { behaviour: defaults, problem: directives.problem }
    const rule = firstThatApplies(this.#rules, facts)
    const own = firstThatApplies(this.#countDirectives(directives.rules, facts.lastUserText), facts)
    return { behaviour: { ...defaults, ...rule?.behaviour, ...own?.behaviour }, problem: null }
  }

  #countDirectives(rules: Rule[], message: string): CountedRule[] {
    if (rules.length === 0) return []
    const key = createHash("sha256").update(message).digest("base64")
    const known = this.#directives.get(key)
    if (known !== undefined) return known
    const counted = rules.map((rule) => ({ rule, calls: 0, uses: 0 }))
    this.#directives.set(key, counted)
    const oldest =
      this.#directives.size > MAX_COUNTED_MESSAGES ? this.#directives.keys().next().value : undefined
    if (oldest !== undefined) this.#directives.delete(oldest)
    return counted
  }
}

function firstThatApplies(candidates: CountedRule[], facts: CallFacts): Rule | undefined {
  let chosen: Rule | undefined
  for (const candidate of candidates) {
    const { match = {}, times = Number.POSITIVE_INFINITY } = candidate.rule
    if (match.provider !== undefined && match.provider !== facts.provider) continue
    if (match.model !== undefined && match.model !== facts.model) continue
    if (match.text !== undefined && !facts.lastUserText.includes(match.text)) continue
    candidate.calls += 1
    if (chosen !== undefined || candidate.uses >= times) continue
    if (match.nth !== undefined && candidate.calls !== match.nth) continue
    if (match.every !== undefined && candidate.calls % match.every !== 0) continue
    candidate.uses += 1
    chosen = candidate.rule
  }
  return chosen
}
