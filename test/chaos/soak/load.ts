import { setTimeout as wait } from "node:timers/promises"
import type { RequestStatus } from "../../../src/core/outcome.ts"
import { eventually } from "../../helpers/eventually.ts"
import { type Action, createDeck } from "./deck.ts"
import type { Answer, Call } from "./http.ts"
import { Ledger } from "./ledger.ts"

const TURNS_PER_SECOND = 8
const BULK = 10
const MAINTAIN_EVERY_MS = 30_000
/** The longest backoff, and a call. */
const LAST_WAIT_MS = 120_000
const SHOWN = 5
const PROVIDERS = ["openai", "anthropic", "deepseek"]
const PRIORITIES = ["critical", "high", "normal", "low"]
const ORGANIZATIONS = ["acme", "globex", "initech", "umbrella", "tenant"]
const TENANT = "tenant"
const PROMPT = "What does this clause of the contract mean for the supplier? ".repeat(16)

export interface LoadReport extends Readonly<Ledger["counts"]> {
  /** HTTP calls, the looks at requests included. */
  httpCalls: number
  /** Answers that the turn did not allow for, by what was done and their status. */
  unexpected: Record<string, number>
  /** Accepted, and not ended when all should have; what the first of them say. */
  open: number
  unfinished: unknown[]
  minutes: number
}

/**
 * Mixed load at a steady rate for so long, then until every request has ended: about 8 writes and reads a second, 9 requests
 * a second accepted, and a look at each of them until its outcome is known. Each half minute the work that is otherwise hourly.
 */
export async function runLoad(call: Call, minutes: number): Promise<LoadReport> {
  const ledger = new Ledger()
  const unexpected: Record<string, number> = {}
  const tenantKey = await issueKey(call)
  let httpCalls = 0
  let built = 0
  let idempotent = { body: build(), idempotencyKey: "none" }

  async function ask(
    name: string,
    statuses: number[],
    ...[method, path, options]: Parameters<Call>
  ): Promise<Answer> {
    httpCalls += 1
    const answer = await call(method, path, options)
    if (!statuses.includes(answer.status)) {
      const key = `${name} ${answer.status}`
      unexpected[key] = (unexpected[key] ?? 0) + 1
    }
    return answer
  }

  function build(more: Record<string, unknown> = {}) {
    built += 1
    const pick = (from: string[]) => from[built % from.length]
    const messages = [{ role: "user", content: `${PROMPT} Case ${built}.` }]
    const asked = {
      provider: pick(PROVIDERS),
      priority: pick(PRIORITIES),
      organizationId: pick(ORGANIZATIONS),
    }
    return { ...asked, model: "a-model", messages, ...more }
  }

  async function post(body: unknown, options: { apiKey?: string; idempotencyKey?: string } = {}) {
    const answer = await ask("post", [202], "POST", "/v1/requests", { body, ...options })
    if (answer.status === 202) ledger.accept(String(answer.body.requestId))
  }

  const actions: Record<Action, () => Promise<unknown>> = {
    single: () => post(build()),
    action: async () => {
      const answer = await ask("action", [202], "POST", "/api/ai/queue", { body: build() })
      if (answer.status === 202) ledger.accept(String(answer.body.requestId))
    },
    delayed: () => post(build({ delayMs: 1000 + 500 * (built % 10) })),
    tenant: () => post(build({ organizationId: TENANT }), { apiKey: tenantKey }),
    bulk: async () => {
      const body = { requests: Array.from({ length: BULK }, () => build()) }
      const answer = await ask("bulk", [202], "POST", "/v1/requests/bulk", { body })
      const accepted = (answer.body.requests ?? []) as { requestId: string }[]
      for (const { requestId } of accepted) ledger.accept(requestId)
    },
    idempotent: () => {
      const body = build()
      idempotent = { body, idempotencyKey: `soak-${built}` }
      const { idempotencyKey } = idempotent
      return post(body, { idempotencyKey })
    },
    repeated: () => {
      const { body, idempotencyKey } = idempotent
      if (idempotencyKey === "none") return Promise.resolve()
      return ask("repeated", [202], "POST", "/v1/requests", { body, idempotencyKey })
    },
    cancel: async () => {
      const id = ledger.newest
      if (id === undefined) return
      const { body } = await ask("cancel", [200, 409], "DELETE", `/v1/requests/${id}`)
      // It had failed, unseen, and was the dead letter that went.
      if (body.discarded === true) ledger.note(id, { state: "failed", attempts: [] })
    },
    replay: async () => {
      const id = ledger.failed.pop()
      if (id === undefined) return
      // Its minute may be over.
      const answer = await ask("replay", [202, 404], "POST", `/v1/requests/${id}/replay`)
      if (answer.status === 202) ledger.accept(id, "replayed")
    },
    list: () => ask("list", [200], "GET", `/v1/requests?organizationId=acme&limit=50`),
    stats: () => ask("stats", [200], "GET", "/v1/stats"),
    messages: async () => {
      const id = ledger.newest
      if (id !== undefined) await ask("messages", [200], "GET", `/v1/requests/${id}?include=messages`)
    },
    audit: () => ask("audit", [200], "GET", "/v1/audit"),
    health: () => ask("health", [200], "GET", "/v1/health"),
    unknown: () => ask("unknown", [404], "GET", "/v1/requests/req_1m863y7wd000087qc1q7ppy"),
  }

  async function look(): Promise<void> {
    await Promise.all(
      ledger.due().map(async (id) => {
        const { status, body } = await ask("status", [200], "GET", `/v1/requests/${id}`)
        if (status === 200) ledger.note(id, body as unknown as RequestStatus)
        if (status === 404) ledger.note(id, null)
      }),
    )
  }

  const startedAt = Date.now()
  const endAt = startedAt + minutes * 60_000
  const deck = createDeck()
  let maintainAt = startedAt
  for (let turn = 0; Date.now() < endAt; turn++) {
    const action = deck[turn % deck.length] ?? "single"
    await Promise.all([actions[action](), ...(turn % TURNS_PER_SECOND === 0 ? [look()] : [])])
    if (Date.now() >= maintainAt) {
      maintainAt += MAINTAIN_EVERY_MS
      await ask("cleanup", [200], "POST", "/v1/cleanup")
    }
    const nextAt = startedAt + ((turn + 1) * 1000) / TURNS_PER_SECOND
    await wait(Math.max(0, nextAt - Date.now()))
  }
  const isOver = () => look().then(() => ledger.openCount === 0)
  await eventually(isOver, { withinMs: LAST_WAIT_MS, everyMs: 1000 }).catch(() => undefined)
  const unfinished = await Promise.all(
    ledger.open.slice(0, SHOWN).map(async (id) => (await call("GET", `/v1/requests/${id}`)).body),
  )
  return {
    ...ledger.counts,
    open: ledger.openCount,
    unfinished,
    httpCalls,
    unexpected,
    minutes: (Date.now() - startedAt) / 60_000,
  }
}

async function issueKey(call: Call): Promise<string> {
  const body = { name: "soak", organizationId: TENANT, scopes: ["enqueue", "read"], ratePerMinute: 1000 }
  const answer = await call("POST", "/v1/keys", { body })
  if (answer.status !== 201) throw new Error(`POST /v1/keys: ${answer.status}`)
  return String(answer.body.key)
}
