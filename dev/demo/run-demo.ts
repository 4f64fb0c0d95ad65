import { setTimeout as wait } from "node:timers/promises"
import type { Lifetime } from "../lifetime.ts"
import { createClient } from "./client.ts"
import { ask, describeRealCalls } from "./consent.ts"
import { openStack } from "./open-stack.ts"
import type { DemoOptions } from "./options.ts"
import { planRequests } from "./plan.ts"
import { type ProbedProvider, probeProviders } from "./probe-providers.ts"
import { formatProgress, formatSummary, listProblems } from "./report.ts"
import { readRows } from "./rows.ts"
import { cancelOpen, type DemoRequest, runRequests } from "./run-requests.ts"
import { showProgress } from "./show-progress.ts"

const CANCEL_MS = 4_000

/**
 * The whole demo. True when every request ended in exactly one outcome, and none was answered by a provider that
 * nobody agreed to call. What it starts is `lifetime`'s to close. Throws one line that says what to do.
 */
export async function runDemo(root: string, options: DemoOptions, lifetime: Lifetime): Promise<boolean> {
  const stack = await openStack(root, options.isReal, lifetime)
  console.log(`\n  ${stack.isOwn ? "Started a stack" : "Found the stack"} at ${stack.origin}`)
  const client = createClient(stack.origin, stack.adminApiKey)
  const providers = await Promise.race([probeProviders(client), lifetime.ended])
  const plan = planRequests(readRows(), { ...options, providers })
  if (plan.length === 0) throw new Error("No provider is configured in this stack: see npm start")
  const realCalls = describeRealCalls(plan, providers)
  if (realCalls.length > 0 && !options.isReal) {
    throw new Error(
      `This stack calls real providers:\n${realCalls.join("\n")}\nStop it (the demo starts its own), set another PORT, or say: npm run demo -- --real`,
    )
  }
  if (realCalls.length > 0) {
    console.log(`\n  This calls real providers, at your expense:\n${realCalls.join("\n")}\n`)
    if (!(await ask("  Go on?", lifetime.signal))) throw new Error("Nothing was called.")
  }

  const requests = plan.map(
    (planned): DemoRequest => ({ planned, requestId: null, posting: null, status: null, problem: null }),
  )
  await lifetime.start(Promise.resolve(), () =>
    Promise.race([cancelOpen(client, requests), wait(CANCEL_MS, undefined, { ref: false })]),
  )
  const answers = realCalls.length > 0 ? "REAL answers" : "simulated answers"
  console.log(`  ${plan.length} requests, ${options.speed} × the speed at which they came, ${answers}\n`)
  const startedAt = Date.now()
  const frame = () => formatProgress(requests, Date.now() - startedAt, process.stdout.columns || 80)
  const finish = showProgress(frame)
  try {
    await Promise.race([runRequests(client, requests, lifetime.signal), lifetime.ended])
  } finally {
    finish()
  }
  return report(requests, providers, realCalls.length === 0)
}

function report(
  requests: DemoRequest[],
  providers: Record<string, ProbedProvider>,
  isSimulated: boolean,
): boolean {
  console.log(`\n${formatSummary(requests)}\n`)
  const problems = listProblems(requests, providers)
  if (problems.length === 0) console.log("  Every request ended in exactly one outcome.")
  for (const problem of problems) console.error(`  ${problem}`)
  if (isSimulated)
    console.log("  The answers were simulated: no provider was called, and the waits are this machine's.")
  return problems.length === 0
}
