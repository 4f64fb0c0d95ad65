import type { Config } from "../../src/core/config.ts"
import { STATES } from "../../src/core/request.ts"
import type { QueueStats } from "../../src/queue/figures-contract.ts"
import { createQueue } from "../../src/queue/queue.ts"
import { scriptSha } from "../script-sha.ts"
import { type Finding, ok, problem, warning } from "./finding.ts"
import { sendCommand } from "./send-command.ts"
import type { StoreAccess } from "./target.ts"

const NEARLY_FULL = 0.8

/** Runs the queue's own script for its figures, which changes nothing, and says what they show. */
export async function checkQueue(store: StoreAccess, config: Config): Promise<Finding[]> {
  const { queueName } = config
  const settings = { ...config, providers: Object.keys(config.providers) }
  const queue = createQueue({ redis: store, queueName, settings })
  let stats: QueueStats
  try {
    stats = await queue.stats()
  } catch (error) {
    const why = error instanceof Error ? error.message : "no answer"
    return [
      problem(
        "scripts",
        `the queue's do not run: ${why}`,
        "the store must run Lua scripts (EVAL, EVALSHA), as Upstash does",
      ),
    ]
  }
  const { status, drain, unservedLines } = await queue.health()
  return [
    await checkScriptCache(store),
    ok("queue", `${queueName}: ${describeCounts(stats)}; ${describeDrain(drain.ageMs)}`),
    ...findTrouble(stats, config),
    ...(status === "degraded" && unservedLines.length === 0
      ? [
          warning(
            "queue",
            "a backlog is not being drained",
            "run npm start, or look at the Worker's cron trigger",
          ),
        ]
      : []),
  ]
}

async function checkScriptCache(store: StoreAccess): Promise<Finding> {
  const known = await sendCommand(store, ["SCRIPT", "EXISTS", scriptSha("stats")])
  const isKept = known.kind === "result" && JSON.stringify(known.result) === "[1]"
  return isKept
    ? ok("scripts", "run, and are known by their hash afterwards")
    : warning(
        "scripts",
        "run, but the store does not say that it keeps them",
        "works all the same; each call may carry a script's source",
      )
}

function findTrouble(stats: QueueStats, { providers, maxPending }: Config): Finding[] {
  const findings: Finding[] = []
  for (const [line, pending] of Object.entries(stats.pendingByProvider)) {
    if (pending === 0 || line in providers) continue
    const message = `${pending} pending for ${line}, which is not configured`
    findings.push(warning("queue", message, `configure ${line}, or cancel them`))
  }
  for (const [name, { blockedUntil, breaker, paused }] of Object.entries(stats.providers)) {
    if (paused) findings.push(warning("queue", `${name} is paused`, `POST /v1/providers/${name}/resume`))
    if (breaker === "open") {
      findings.push(
        warning("queue", `${name} refuses the account`, "look at its key, balance and spend limit"),
      )
    } else if (blockedUntil !== null) {
      const until = new Date(blockedUntil).toISOString()
      findings.push(
        warning("queue", `${name} asked to be left alone until ${until}`, "wait, or raise its rate limit"),
      )
    }
  }
  if (stats.counts.pending >= maxPending * NEARLY_FULL) {
    const message = `${stats.counts.pending} of at most ${maxPending} pending`
    findings.push(warning("queue", message, "drain faster, or raise MAX_PENDING"))
  }
  return findings
}

function describeCounts({ counts }: QueueStats): string {
  const present = STATES.filter((state) => counts[state] > 0)
  return present.length === 0 ? "empty" : present.map((state) => `${counts[state]} ${state}`).join(", ")
}

function describeDrain(ageMs: number | null): string {
  return ageMs === null ? "never drained" : `drained ${Math.round(ageMs / 1000)} s ago`
}
