import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { describeRealCalls } from "../../dev/demo/consent.ts"
import { demoEnvironment } from "../../dev/demo/open-stack.ts"
import { readOptions } from "../../dev/demo/options.ts"
import { type PlannedRequest, planRequests } from "../../dev/demo/plan.ts"
import { formatSummary, listProblems } from "../../dev/demo/report.ts"
import { readRows } from "../../dev/demo/rows.ts"
import type { DemoRequest } from "../../dev/demo/run-requests.ts"
import { percentile, tallyByPriority } from "../../dev/demo/tally.ts"
import { readDirectives } from "../../dev/simulator/behaviour.ts"
import type { RequestStatus } from "../../src/core/outcome.ts"
import { PRIORITIES } from "../../src/core/request.ts"

const rows = readRows()
const SIMULATED = {
  openai: { simulated: true },
  anthropic: { simulated: true },
  deepseek: { simulated: true },
}
const REAL = { openai: { simulated: false }, deepseek: { simulated: true } }

function lastText({ body }: PlannedRequest): string {
  return (body.messages as { content: string }[]).at(-1)?.content ?? ""
}

describe("what the demo posts", () => {
  it("is real: 400 requests as they came, each with a question of its own, and the sources beside it", () => {
    expect(rows).toHaveLength(400)
    expect(rows.map(({ offsetMs }) => offsetMs)).toEqual(
      rows.map(({ offsetMs }) => offsetMs).sort((a, b) => a - b),
    )
    expect(new Set(rows.map(({ prompt }) => prompt)).size).toBe(400)
    expect(new Set(rows.map(({ priority }) => priority))).toEqual(new Set(PRIORITIES))
    const readme = readFileSync(new URL("../../examples/data/README.md", import.meta.url), "utf8")
    for (const credit of ["AzureLLMInferenceTrace_conv", "Patel", "BANKING77", "Casanueva", "CC-BY 4.0"]) {
      expect(readme).toContain(credit)
    }
  })

  it("comes at its time, from several organizations, for every provider, with directives that hold", () => {
    const plan = planRequests(rows, { requests: 60, speed: 2, providers: SIMULATED })
    expect(plan.map(({ atMs }) => atMs * 2)).toEqual(rows.slice(0, 60).map(({ offsetMs }) => offsetMs))
    expect(new Set(plan.map(({ provider }) => provider)).size).toBe(3)
    expect(new Set(plan.map(({ body }) => body.organizationId)).size).toBe(3)
    for (const [i, planned] of plan.entries()) {
      const { rules, problem } = readDirectives(lastText(planned))
      expect(problem).toBeNull()
      expect(rules.at(-1)?.behaviour.tokens).toBe(rows[i]?.generatedTokens)
      expect(rules.length).toBe(i % 20 === 19 ? 2 : 1)
    }
  })

  it("begins again when there are more requests than rows, later", () => {
    const plan = planRequests(rows, { requests: 801, speed: 1, providers: SIMULATED })
    const times = plan.map(({ atMs }) => atMs)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    expect(plan[800]?.atMs).toBe(2 * ((rows.at(-1)?.offsetMs ?? 0) + 1))
  })

  it("tells a real provider nothing of the simulator, and limits what it may answer", () => {
    const plan = planRequests(rows, { requests: 40, speed: 1, providers: REAL })
    for (const [i, planned] of plan.entries()) {
      const isReal = planned.provider === "openai"
      expect(lastText(planned).includes("[[sim")).toBe(!isReal)
      expect(planned.body.options).toEqual(isReal ? { max_tokens: rows[i]?.generatedTokens } : {})
    }
    const [only, ...others] = describeRealCalls(plan, REAL)
    expect(only).toMatch(/openai, gpt-5-mini: 20 requests/)
    expect(others).toEqual([])
    expect(describeRealCalls(plan, SIMULATED)).toEqual([])
  })
})

describe("the environment of the demo's own stack", () => {
  const shell = {
    PATH: "/bin",
    OPENAI_API_KEY: "a",
    DEEPSEEK_BASE_URL: "b",
    QUEUE_NAME: "mine",
    REDIS_URL: "redis://x",
  }

  it("leads to no provider, whatever the shell and .dev.vars hold, and to no queue of the user's", () => {
    const env = demoEnvironment(shell, { ANTHROPIC_API_KEY: "c", CUSTOM_PROVIDERS: "d" }, false)
    // An empty value in the shell hides the one in `.dev.vars`; an absent one would not.
    for (const name of ["OPENAI", "ANTHROPIC", "DEEPSEEK"]) {
      expect(env).toMatchObject({ [`${name}_API_KEY`]: "", [`${name}_BASE_URL`]: "" })
    }
    expect(env).toMatchObject({
      CUSTOM_PROVIDERS: "",
      ALLOW_SIMULATOR: "1",
      QUEUE_NAME: "demo",
      REDIS_URL: "redis://x",
    })
  })

  it("keeps the keys for --real, in another queue than what was simulated", () => {
    const env = demoEnvironment(shell, { ADMIN_API_KEY: "from-dev-vars-1234" }, true)
    expect(env).toMatchObject({
      OPENAI_API_KEY: "a",
      QUEUE_NAME: "demo-real",
      ADMIN_API_KEY: "from-dev-vars-1234",
    })
    expect(env).not.toHaveProperty("ANTHROPIC_API_KEY")
  })
})

describe("the options", () => {
  it.each([["--requests", "0"], ["--requests", "1.5"], ["--speed", "0"], ["--speed", "fast"], ["--unknown"]])(
    "refuse %s %s",
    (...args) => expect(() => readOptions(args)).toThrow(args[0]),
  )

  it("have defaults, and --real is not one of them", () => {
    expect(readOptions([])).toEqual({ requests: 200, speed: 1, isReal: false, help: false })
    expect(readOptions(["--real", "--speed", "2.5"])).toMatchObject({ isReal: true, speed: 2.5 })
  })
})

describe("the closing table", () => {
  const [first, second, third] = planRequests(rows, { requests: 3, speed: 1, providers: SIMULATED })
  const ended = (planned: PlannedRequest | undefined, waitMs: number, more: Partial<RequestStatus> = {}) => {
    const attempts = [{ startedAt: 1000 + waitMs, result: "completed" }]
    const status = { state: "completed", createdAt: 1000, simulated: true, attempts, ...more }
    return { planned, requestId: `req_${waitMs}`, status, problem: null } as unknown as DemoRequest
  }

  it("takes percentiles by nearest rank", () => {
    const sorted = Array.from({ length: 20 }, (_, i) => i + 1)
    expect([0.5, 0.95, 1].map((share) => percentile(sorted, share))).toEqual([10, 19, 20])
    expect(percentile([7], 0.5)).toBe(7)
    expect(percentile([], 0.5)).toBeNull()
  })

  it("counts outcomes, and waits up to the first call", () => {
    const requests = [ended(first, 250), ended(second, 1500), ended(third, 40, { state: "failed" })]
    const all = tallyByPriority(requests).at(-1)
    expect(all).toMatchObject({ requests: 3, outcomes: { completed: 2, failed: 1 }, waits: [40, 250, 1500] })
    expect(formatSummary(requests)).toMatch(/all +3 +2 +1 +0 +0 +250 ms +1\.5 s +1\.5 s/)
  })

  it("is no success when a request has no outcome, or a provider was called that nobody agreed to", () => {
    const lost = { ...ended(first, 1), problem: "lost" }
    const paid = ended(second, 2, { simulated: false })
    expect(listProblems([lost, lost, paid, ended(third, 3)], SIMULATED)).toEqual([
      "2 × lost",
      "1 × answered by a real provider, which nobody agreed to",
    ])
    expect(listProblems([ended(first, 1), ended(third, 3)], SIMULATED)).toEqual([])
  })
})
