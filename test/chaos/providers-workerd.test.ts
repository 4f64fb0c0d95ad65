import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { ADMIN_KEY, startBareWorker } from "../../bench/stack/bare-worker.ts"
import type { Workerd } from "../../bench/stack/workerd.ts"
import type { RequestStatus } from "../../src/core/outcome.ts"
import { expectConserved } from "../helpers/conserved.ts"
import { documentedFetch } from "../helpers/documented.ts"
import { eventually } from "../helpers/eventually.ts"
import { residentBytes } from "../helpers/processes.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { anthropic } from "../providers/fixtures/anthropic.ts"
import type { VendorFixtures } from "../providers/fixtures/fixtures.ts"
import { openai } from "../providers/fixtures/openai.ts"
import { isFull } from "./effort.ts"
import { codesOf, endOf, type FaultCase, WORDS } from "./providers/cases.ts"
import { type FaultyServer, startFaultyServer } from "./providers/faulty-server.ts"
import { giantsOf } from "./providers/giants.ts"
import { oddChats, oddMessages } from "./providers/odd-answers.ts"
import { wireFaultsOf } from "./providers/wire-faults.ts"
import { recordFault } from "./tally.ts"

const CALLERS_WORDS = "the-words-of-the-caller"
const AUTHORIZED = { authorization: `Bearer ${ADMIN_KEY}` }
const WITHIN_MS = 80_000
const QUEUE_NAME = "faulty-lanes"
/** Of the whole process; an isolate's own limit is not enforced here. */
const MAX_GROWTH_BYTES = 500 * 1024 * 1024

const FORMATS = [
  { format: "openai-chat", vendor: openai, more: oddChats() },
  { format: "anthropic-messages", vendor: anthropic, more: oddMessages() },
] as const

function faultsOf(vendor: VendorFixtures, more: readonly FaultCase[], trapUrl: string): FaultCase[] {
  return [...wireFaultsOf(vendor, trapUrl), ...more, ...(isFull ? giantsOf(vendor) : [])]
}

describe("faults of providers, through the lanes of the Worker in workerd", () => {
  let store: TestStore
  let server: FaultyServer
  let trap: FaultyServer
  let worker: Workerd
  const byName = new Map<string, FaultCase & { format: string }>()

  beforeAll(async () => {
    vi.spyOn(process.stderr, "write").mockImplementation(() => true)
    store = await startBestStore()
    trap = await startFaultyServer(new Map())
    for (const { format, vendor, more } of FORMATS) {
      for (const { inWorkerd, ...fault } of faultsOf(vendor, more, trap.url)) {
        byName.set(`f${byName.size}`, {
          ...fault,
          ...(inWorkerd && { isRetried: false, ...inWorkerd }),
          format,
        })
      }
    }
    server = await startFaultyServer(byName)
    const providers = [...byName].map(([name, { format }]) => ({
      ...{ name, baseUrl: `${server.url}/${name}`, wireFormat: format },
    }))
    const env = {
      CUSTOM_PROVIDERS: JSON.stringify(providers),
      QUEUE_NAME,
      DRAIN_LANES: "2",
      RETRY_BASE_MS: "20",
    }
    worker = await startBareWorker({ store, env: { ...env, SUBREQUEST_LIMIT: "10000" } })
  })
  afterAll(async () => {
    await worker.stop()
    await server.close()
    await trap.close()
    await expectConserved(store.redis, QUEUE_NAME)
    await store.close()
    const logged = vi.mocked(process.stderr.write).mock.calls.flat().join("")
    vi.restoreAllMocks()
    for (const words of [WORDS, CALLERS_WORDS, "meta-data"]) expect(logged).not.toContain(words)
  })

  it("come to the right end, and leave neither connections nor memory behind", async () => {
    const atFirst = residentBytes(worker.pid)
    const ids = await enqueueAll()
    let most = 0
    // The answers of the end alone are held against the document: doing so takes the processor from the giants.
    const ends = async (ask: typeof fetch = fetch) => {
      most = Math.max(most, residentBytes(worker.pid))
      return Promise.all(
        [...byName].map(async ([name, fault], i) => ({
          fault,
          found: await endFound(name, ids[i] ?? "", ask),
        })),
      )
    }
    const isThere = ({ fault, found }: Awaited<ReturnType<typeof ends>>[number]) =>
      ["completed", "failed"].includes(found.state) || found.state === endOf(fault).state
    // Whatever has not come to its end by then is told below.
    await eventually(async () => (await ends()).every(isThere), { withinMs: WITHIN_MS, everyMs: 200 }).catch(
      () => undefined,
    )
    const all = await ends(documentedFetch)
    const wrong = all.filter(({ fault, found }) => JSON.stringify(found) !== JSON.stringify(endOf(fault)))
    expect(wrong.map(({ fault: { title, format }, found }) => ({ title, format, ...found }))).toEqual([])
    for (const { fault, found } of all) {
      const { state, calls } = found
      const seen = `${state}${fault.code === null ? "" : ` ${fault.code}`}`
      recordFault({
        ...{ table: "providers", fault: `in workerd, ${fault.format}: ${fault.title}`, tried: calls },
        ...{ lost: Number(!isThere({ fault, found })), doubled: calls - endOf(fault).calls, seen },
      })
    }
    await eventually(() => server.openConnections() === 0, { withinMs: 15_000 })
    expect(trap.openConnections()).toBe(0)
    expect(most - atFirst).toBeLessThan(MAX_GROWTH_BYTES)
  }, 120_000)

  async function enqueueAll(): Promise<string[]> {
    const messages = [{ role: "user", content: CALLERS_WORDS }]
    const requests = [...byName].map(([provider, { timeoutMs = 20_000 }]) => ({
      ...{ provider, model: "m", messages, organizationId: "org-1", timeoutMs, maxRetries: 1 },
    }))
    const { status, json } = await post("/v1/requests/bulk", { requests })
    expect(status).toBe(202)
    return json.requests.map(({ requestId }) => requestId)
  }

  async function endFound(name: string, requestId: string, ask: typeof fetch) {
    const answer = await ask(`${worker.url}/v1/requests/${requestId}`, { headers: AUTHORIZED })
    const { state, attempts } = (await answer.json()) as RequestStatus
    return { state: String(state), codes: codesOf(attempts), calls: server.calls(name) }
  }

  async function post(path: string, body: unknown) {
    const headers = { ...AUTHORIZED, "content-type": "application/json" }
    const answer = await documentedFetch(worker.url + path, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    })
    return { status: answer.status, json: (await answer.json()) as { requests: { requestId: string }[] } }
  }
})
