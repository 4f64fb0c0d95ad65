import { isDeepStrictEqual } from "node:util"
import fc from "fast-check"
import { afterAll, beforeAll, expect, it, vi } from "vitest"
import { expectConserved } from "../helpers/conserved.ts"
import { eventually } from "../helpers/eventually.ts"
import { parameters } from "../scale/property.ts"
import { effort } from "./effort.ts"
import { type Case, cases, type KnownIds } from "./input/cases.ts"
import { FORM_TYPE, toForm } from "./input/form.ts"
import { ID_NAMES, type IdName, OPERATION_BY_NAME } from "./input/operations.ts"
import { recordInput } from "./input/record-input.ts"
import { complaintsAbout, missingOf, parse } from "./input/verdict.ts"
import { type Answer, type ServedWorker, serveWorker } from "./input/worker.ts"

const RUNS = effort(500, 24_000)

let worker: ServedWorker
const known = Object.fromEntries(ID_NAMES.map((name) => [name, [] as string[]])) as KnownIds
const seen = new Map<string, Map<number, number>>()
beforeAll(async () => {
  worker = await serveWorker()
  // Chance alone makes few.
  const body = toForm({ file: "in.jsonl", purpose: "batch" }, "file")
  const form = { method: "POST", path: "/v1/files", headers: { "content-type": FORM_TYPE }, body }
  for (let i = 0; i < 10; i++) known.fileId.push((await worker.send(form)).json.id)
})
afterAll(() => worker.close())

it("the API answers whatever is sent, stores all of what it accepts, and nothing of what it refuses", async () => {
  // What the Worker logs of errors goes there.
  const logged = vi.spyOn(process.stderr, "write").mockImplementation(() => true)
  const check = fc.asyncProperty(cases(known), async (each) => {
    const { reads = false, takesBack = false, goesOn = takesBack } = OPERATION_BY_NAME.get(each.name) ?? {}
    const before = await worker.changes()
    const filesBefore = takesBack ? await worker.filesKept() : []
    const answer = await worker.send(each.sent)
    if (goesOn) await untilQuiet()
    const complaints = complaintsAbout(each, answer)
    if (takesBack && answer.status >= 400) {
      if (!isDeepStrictEqual(await worker.filesKept(), filesBefore)) complaints.push("it leaves something")
    } else if (answer.status >= 400 || reads) {
      if ((await worker.changes()) !== before) complaints.push("the store has changed")
    }
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

async function untilQuiet(): Promise<void> {
  let last: number | null | undefined
  const isQuiet = async () => {
    const before = last
    last = await worker.changes()
    return last === before
  }
  await eventually(isQuiet, { everyMs: 20 })
}

/** What is wrong with the store after an answer that accepts something; learns the ids. */
async function accepted({ name, sent }: Case, { status, json, headers }: Answer): Promise<string[]> {
  const { gives = {}, body: { isBulk = false, kept } = {} } = OPERATION_BY_NAME.get(name) ?? {}
  if (status >= 300) return []
  for (const [idName, member] of Object.entries(gives)) known[idName as IdName].push(json[member])
  if (kept === undefined) return []
  const body = parse(sent.body) as Record<string, unknown>
  const bodies = (isBulk ? body.requests : [body]) as Record<string, unknown>[]
  const ids: string[] = (isBulk ? json.requests : [json]).map((each: { requestId: string }) => each.requestId)
  if (isBulk) known.requestId.push(...ids)
  if (ids.length !== bodies.length) return [`${ids.length} ids for ${bodies.length} requests`]
  // Of a repetition the first answer counts, whatever it said of the request since.
  if (headers.get("idempotency-replayed") !== null) return []
  const members = bodies.map((each) => (kept === "all" ? each : pick(each, kept)))
  const missing = await Promise.all(ids.map((id, i) => missingOf(worker, id, members[i] ?? {})))
  return missing.flat()
}

/** Vendors take null for "not set". */
function pick(members: Record<string, unknown>, names: string[]): Record<string, unknown> {
  return Object.fromEntries(
    names.filter((name) => (members[name] ?? null) !== null).map((name) => [name, members[name]]),
  )
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
