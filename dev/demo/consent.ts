import { createInterface } from "node:readline/promises"
import { MODELS, type PlannedRequest } from "./plan.ts"
import type { ProbedProvider } from "./probe-providers.ts"

/** What would be called for real, one line a provider; empty when everything is simulated. */
export function describeRealCalls(
  plan: PlannedRequest[],
  providers: Record<string, ProbedProvider>,
): string[] {
  return Object.entries(providers).flatMap(([name, { simulated }]) => {
    if (simulated) return []
    const calls = plan.filter(({ provider }) => provider === name)
    const sent = calls.reduce((sum, { contextTokens }) => sum + contextTokens, 0)
    const answered = calls.reduce((sum, { generatedTokens }) => sum + generatedTokens, 0)
    return `  ${name}, ${MODELS[name]}: ${calls.length} requests, about ${sent} tokens sent and at most ${answered} answered, each call again when it is retried`
  })
}

/** Asks on the terminal; anything but yes is no, also the end of the input. */
export async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const closed = new Promise<string>((resolve) => terminal.once("close", () => resolve("")))
  try {
    const answer = await Promise.race([terminal.question(`${question} [y/N] `, { signal }), closed])
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    terminal.close()
  }
}
