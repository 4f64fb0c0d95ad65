import fc from "fast-check"
import { afterAll, beforeAll, expect, it, vi } from "vitest"
import { expectConserved } from "../helpers/conserved.ts"
import { parameters } from "../scale/property.ts"
import { effort } from "./effort.ts"
import { type Case, cases, type KnownIds } from "./input/cases.ts"
import { OPERATION_BY_NAME } from "./input/operations.ts"
import { recordInput } from "./input/record-input.ts"
import { complaintsAbout, missingOf, parse } from "./input/verdict.ts"
import { type Answer, type ServedWorker, serveWorker } from "./input/worker.ts"

const RUNS = effort(300, 12_000)

let worker: ServedWorker
const known: KnownIds = { requestIds: [], keyIds: [] }
const seen = new Map<string, Map<number, number>>()
beforeAll(async () => {
  worker = await serveWorker()
})
afterAll(() => worker.close())

it("the API answers whatever is sent, stores all of what it accepts, and nothing of what it refuses", async () => {
  // What the Worker logs of errors goes there.
  const logged = vi.spyOn(process.stderr, "write").mockImplementation(() => true)
  const check = fc.asyncProperty(cases(known), async (each) => {
    const before = await worker.changes()
    const answer = await worker.send(each.sent)
    const complaints = complaintsAbout(each, answer)
    const isUnchanged = (await worker.changes()) === before
    const { reads = false } = OPERATION_BY_NAME.get(each.name) ?? {}
    if ((answer.status >= 400 || reads) && !isUnchanged) complaints.push("the store has changed")
    complaints.push(...(await accepted(each, answer)))
    note(each, answer)
    expect(complaints, `${each.name} → ${answer.status} ${answer.text.slice(0, 300)}`).toEqual([])
  })
  try {
    await fc.assert(check, parameters(RUNS))
    expect(logged.mock.calls.flat().join("")).toBe("")
  } finally {
    logged.mockRestore()
  }
  await expectConserved(worker.store.redis, worker.queueName)
  report()
}, 600_000)

/** What is wrong with the store after an answer that accepts requests; learns their ids. */
async function accepted({ name, sent }: Case, { status, json, headers }: Answer): Promise<string[]> {
  if (name === "POST /v1/keys" && status === 201) known.keyIds.push(json.keyId)
  const { least = {}, isBulk = false } = OPERATION_BY_NAME.get(name)?.body ?? {}
  if (status !== 202 || least.messages === undefined) return []
  const body = parse(sent.body) as Record<string, unknown>
  const bodies = (isBulk ? body.requests : [body]) as Record<string, unknown>[]
  const ids: string[] = isBulk
    ? json.requests.map(({ requestId }: { requestId: string }) => requestId)
    : [json.requestId]
  known.requestIds.push(...ids)
  if (ids.length !== bodies.length) return [`${ids.length} ids for ${bodies.length} requests`]
  // Of a repetition the first answer counts, whatever it said of the request since.
  if (headers.get("idempotency-replayed") !== null) return []
  const missing = await Promise.all(ids.map((id, i) => missingOf(worker, id, bodies[i] ?? {})))
  return missing.flat()
}

function note({ name }: Case, { status }: Answer): void {
  const counts = seen.get(name) ?? new Map<number, number>()
  seen.set(name, counts.set(status, (counts.get(status) ?? 0) + 1))
}

function report(): void {
  for (const name of OPERATION_BY_NAME.keys()) {
    const counts = seen.get(name) ?? new Map<number, number>()
    const tried = [...counts.values()].reduce((sum, count) => sum + count, 0)
    expect(tried, name).toBeGreaterThan(0)
    const answers = [...counts].sort(([a], [b]) => a - b).map(([status, count]) => `${status} × ${count}`)
    recordInput(name, tried, answers.join(", "))
  }
}
