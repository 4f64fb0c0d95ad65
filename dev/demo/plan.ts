import type { Priority } from "../../src/core/request.ts"
import type { DemoRow } from "./rows.ts"

/** One request of the demo, and when to post it, ms after the beginning. */
export interface PlannedRequest {
  atMs: number
  priority: Priority
  provider: string
  contextTokens: number
  generatedTokens: number
  /** The body of `POST /v1/requests`, but for its deadline. */
  body: Record<string, unknown>
}

export interface PlanOptions {
  requests: number
  /** 2: twice as fast as it happened. */
  speed: number
  /** Who takes requests, and whether the simulator answers for it. */
  providers: Record<string, { simulated: boolean }>
}

export const MODELS: Record<string, string> = {
  openai: "gpt-5-mini",
  anthropic: "claude-haiku-4-5",
  deepseek: "deepseek-flash",
}
/** A large customer, a middling one and a small one: they take turns when there is a line. */
const ORGANIZATIONS = ["northbank", "northbank", "northbank", "riverbank", "riverbank", "oakbank"]
const INSTRUCTION = "You answer customers of a bank. Other customers have asked:"
const CHARS_PER_TOKEN = 4
/** About what a fast model delivers today. */
const SIMULATED_TOKENS_PER_SECOND = 100
/** So often the simulator refuses a first try, so that retries are seen. */
const REFUSED_EVERY = 20

/** The first rows in their order; beyond the last one it begins again. Fields are as the contract has them. */
export function planRequests(rows: DemoRow[], { requests, speed, providers }: PlanOptions): PlannedRequest[] {
  const names = Object.keys(providers)
  if (rows.length === 0 || names.length === 0) return []
  const questions = rows.map(({ prompt }) => prompt).join("\n")
  const roundMs = (rows.at(-1)?.offsetMs ?? 0) + 1
  return Array.from({ length: requests }, (_, i) => {
    const row = rows[i % rows.length] as DemoRow
    const provider = names[i % names.length] as string
    const isSimulated = providers[provider]?.simulated === true
    const { priority, contextTokens, generatedTokens, prompt, intent } = row
    const context = questions.slice(0, contextTokens * CHARS_PER_TOKEN)
    return {
      ...{ priority, provider, contextTokens, generatedTokens },
      atMs: (Math.floor(i / rows.length) * roundMs + row.offsetMs) / speed,
      body: {
        ...{ provider, priority, model: MODELS[provider] },
        organizationId: ORGANIZATIONS[i % ORGANIZATIONS.length],
        messages: [
          { role: "system", content: `${INSTRUCTION}\n${context}` },
          { role: "user", content: isSimulated ? `${prompt} ${directive(row, i)}` : prompt },
        ],
        // A simulated answer is that long by itself; a real one shall not be longer.
        options: isSimulated ? {} : { max_tokens: generatedTokens },
        metadata: { source: "demo", intent },
      },
    }
  })
}

/** Tells the simulator how to answer. */
function directive({ generatedTokens }: DemoRow, index: number): string {
  const pace = `tokens=${generatedTokens} tokensPerSecond=${SIMULATED_TOKENS_PER_SECOND}`
  const refusal = index % REFUSED_EVERY === REFUSED_EVERY - 1 ? "[[sim: error=unavailable times=1]] " : ""
  return `${refusal}[[sim: ${pace}]]`
}
