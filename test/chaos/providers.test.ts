import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Drain } from "../../src/drain/drain.ts"
import { carryOut } from "../../src/drain/run-drain.ts"
import { type Ask, type Scene, startScene } from "../drain/scene.ts"
import { expectConserved } from "../helpers/conserved.ts"
import { eventually } from "../helpers/eventually.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { anthropic } from "../providers/fixtures/anthropic.ts"
import { custom } from "../providers/fixtures/custom.ts"
import { deepseek } from "../providers/fixtures/deepseek.ts"
import type { VendorFixtures } from "../providers/fixtures/fixtures.ts"
import { openai } from "../providers/fixtures/openai.ts"
import { codesOf, endOf, type FaultCase, taxonomyOf, WORDS } from "./providers/cases.ts"
import { type Fault, type FaultyServer, startFaultyServer } from "./providers/faulty-server.ts"
import { oddChats, oddMessages } from "./providers/odd-answers.ts"
import { wireFaultsOf } from "./providers/wire-faults.ts"
import { recordFault } from "./tally.ts"

const CALLERS_WORDS = "the-words-of-the-caller"
/** Idle connections of a healthy exchange are kept for a few seconds. */
const CONNECTIONS_CLOSE_WITHIN_MS = 10_000
const HEALTHY = 8

let store: TestStore
beforeAll(async () => {
  store = await startBestStore()
})
afterAll(() => store.close())

const FORMATS: {
  format: "openai-chat" | "anthropic-messages"
  vendor: VendorFixtures
  taxonomy: FaultCase[]
}[] = [
  {
    ...{ format: "openai-chat", vendor: openai },
    taxonomy: [...[openai, deepseek, custom].flatMap(taxonomyOf), ...oddChats()],
  },
  {
    ...{ format: "anthropic-messages", vendor: anthropic },
    taxonomy: [...taxonomyOf(anthropic), ...oddMessages()],
  },
]

describe.each(FORMATS)("providers that speak $format", ({ format, vendor, taxonomy }) => {
  let server: FaultyServer
  let trap: FaultyServer
  let scene: Scene
  const byName = new Map<string, FaultCase>()
  const ids = new Map<string, string>()

  beforeAll(async () => {
    trap = await startFaultyServer(new Map())
    for (const [i, fault] of [...taxonomy, ...wireFaultsOf(vendor, trap.url)].entries())
      byName.set(`f${i}`, fault)
    server = await startFaultyServer(byName satisfies Map<string, Fault>)
    const names = [...byName.keys()]
    const providers = names.map((name) => ({ name, baseUrl: `${server.url}/${name}`, wireFormat: format }))
    scene = await startScene(store, { CUSTOM_PROVIDERS: JSON.stringify(providers), DRAIN_CONCURRENCY: "20" })

    const asks = names.map(
      (provider): Ask => ({
        provider,
        text: CALLERS_WORDS,
        priority: "critical",
        ...askOf(byName.get(provider)),
      }),
    )
    const faulty = await scene.enqueue(...asks)
    for (const [i, name] of names.entries()) ids.set(name, faulty[i] ?? "")
    const healthy = await scene.enqueue(
      ...Array.from({ length: HEALTHY }, (): Ask => ({ text: "healthy", priority: "low" })),
    )
    const drain = new Drain(scene.deps, { owner: "test", concurrency: 20 })
    await carryOut(drain)
    expect(await scene.states(healthy)).toEqual(healthy.map(() => "completed"))
    expect({ calls: drain.slots.free, store: drain.storeSlots.free }).toEqual({ calls: 4, store: 1 })
  })
  afterAll(async () => {
    await scene.close()
    await server.close()
    await trap.close()
    await expectConserved(store.redis, scene.config.queueName)
  })

  it("come to the right end, and are called as often as that needs", async () => {
    const wrong: unknown[] = []
    for (const [name, fault] of byName) {
      const status = await scene.queue.status(ids.get(name) ?? "", null)
      const found = {
        state: status?.state,
        codes: codesOf(status?.attempts),
        calls: server.calls(name),
      }
      const { title, code } = fault
      const expected = endOf(fault)
      if (JSON.stringify(found) !== JSON.stringify(expected)) wrong.push({ title, found, expected })
      const isLost = status === null || status.state === "processing"
      recordFault({
        ...{ table: "providers", fault: `${format}: ${title}`, tried: found.calls },
        ...{ lost: Number(isLost), doubled: Math.max(0, found.calls - expected.calls) },
        seen: `${found.state}${code === null ? "" : ` ${code}`}`,
      })
    }
    expect(wrong).toEqual([])
  })

  it("tell of nothing but whole, finite counts, short ids and texts that are texts", async () => {
    for (const [name, { title }] of byName) {
      const status = await scene.queue.status(ids.get(name) ?? "", null)
      for (const count of Object.values(status?.usage ?? {})) {
        expect([title, Number.isSafeInteger(count) && count >= 0]).toEqual([title, true])
      }
      for (const { providerRequestId } of status?.attempts ?? []) {
        expect([title, (providerRequestId ?? "").length <= 200]).toEqual([title, true])
      }
      if (status?.response == null) continue
      const { id, model, created, usage, choices } = status.response
      expect([title, typeof id, typeof model, typeof created]).toEqual([title, "string", "string", "number"])
      expect([title, Object.values(usage).includes(null as never)]).toEqual([title, false])
      for (const call of choices.flatMap(({ message }) => message.tool_calls ?? [])) {
        expect([title, typeof call.id, typeof call.function.name]).toEqual([title, "string", "string"])
      }
    }
  })

  it("leave no connection open, and are never sent elsewhere", async () => {
    await eventually(() => server.openConnections() === 0, { withinMs: CONNECTIONS_CLOSE_WITHIN_MS })
    expect(trap.openConnections()).toBe(0)
    expect(trap.calls("latest")).toBe(0)
  })

  it("and callers are not quoted in what is logged", () => {
    const logged = JSON.stringify(scene.lines)
    expect(logged).toContain("attempt")
    for (const words of [WORDS, CALLERS_WORDS, "meta-data"]) expect(logged).not.toContain(words)
  })
})

function askOf({ isHasty = false, timeoutMs = 20_000 }: Partial<FaultCase> = {}): Partial<Ask> {
  return { timeoutMs, maxRetries: 1, ...(isHasty ? { text: CALLERS_WORDS.repeat(30_000) } : {}) }
}
