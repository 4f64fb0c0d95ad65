import { spawn } from "node:child_process"
import { once } from "node:events"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { TYPESCRIPT_FLAGS } from "../../dev/spawn-guarded.ts"
import { expectConserved } from "../helpers/conserved.ts"
import { eventually } from "../helpers/eventually.ts"
import { newRequest } from "../helpers/queue.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { anthropic } from "../providers/fixtures/anthropic.ts"
import { openai } from "../providers/fixtures/openai.ts"
import { openStack, type StackOptions } from "../scale/stack.ts"
import { effort } from "./effort.ts"
import { codesOf, type FaultCase } from "./providers/cases.ts"
import { type FaultyServer, startFaultyServer } from "./providers/faulty-server.ts"
import type { Memory } from "./providers/giant-process.ts"
import { GIANT_BYTES, giantsOf } from "./providers/giants.ts"
import { recordFault } from "./tally.ts"

/** As an isolate has: an answer that were kept whole would end the process. */
const HEAP_MB = 128
/** Of four answers at a time, each kept up to 4 MiB, with all their copies on the way. */
const MAX_GROWTH_BYTES = 300 * 1024 * 1024
/** What an answer that is given up may have sent by then: its limit, and what sockets hold. */
const MAX_TAKEN_BYTES = 16 * 1024 * 1024
const EACH = effort(1, 4)

const FORMATS = [
  { format: "openai-chat", faults: giantsOf(openai) },
  { format: "anthropic-messages", faults: giantsOf(anthropic) },
] as const

let store: TestStore
beforeAll(async () => {
  store = await startBestStore()
})
afterAll(() => store.close())

describe.each(FORMATS)("giants that speak $format, four at a time", ({ format, faults }) => {
  const byName = new Map(faults.map((fault, i) => [`g${i}`, fault]))
  let server: FaultyServer
  let options: StackOptions
  beforeAll(async () => {
    server = await startFaultyServer(byName)
    const providers = [...byName.keys()].map((name) => ({
      name,
      baseUrl: `${server.url}/${name}`,
      wireFormat: format,
    }))
    options = {
      ...{
        store: { url: store.url, token: store.token },
        simulatorUrl: server.url,
        queueName: `giants-${format}`,
      },
      env: { CUSTOM_PROVIDERS: JSON.stringify(providers), RETRY_BASE_MS: "10" },
    }
  })
  afterAll(async () => {
    await server.close()
    await expectConserved(store.redis, options.queueName)
  })

  it(
    "come to their end in the memory of one isolate",
    async () => {
      const { queue } = openStack(options)
      const asked = [...byName].flatMap(([provider, { timeoutMs = 30_000 }]) =>
        Array.from({ length: EACH }, () => newRequest({ provider, timeoutMs, maxRetries: 1 })),
      )
      await queue.enqueue(asked)
      const { atFirst, most } = await drainInLimits(options)
      expect(most - atFirst).toBeLessThan(MAX_GROWTH_BYTES)

      const wrong: unknown[] = []
      for (const { head } of asked) {
        const { title, code } = byName.get(head.provider) as FaultCase
        const status = await queue.status(head.requestId, null)
        const found = {
          state: status?.state,
          codes: codesOf(status?.attempts),
        }
        const expected = { state: code === null ? "completed" : "failed", codes: [code] }
        if (JSON.stringify(found) !== JSON.stringify(expected)) wrong.push({ title, found, expected })
      }
      expect(wrong).toEqual([])
      const growth = Math.round((most - atFirst) / 1024 / 1024)
      for (const [name, fault] of byName) report(name, fault, growth)
      await eventually(() => server.openConnections() === 0)
    },
    effort(60_000, 300_000),
  )

  it("are listened to no longer than their answer may be", () => {
    for (const [name, { title, code }] of byName) {
      if (code === null) continue
      expect([title, server.sentBytes(name) / server.calls(name) < MAX_TAKEN_BYTES]).toEqual([title, true])
    }
    expect(GIANT_BYTES).toBeGreaterThan(MAX_TAKEN_BYTES)
  })

  function report(name: string, { title, code }: FaultCase, growthMb: number): void {
    const taken = (server.sentBytes(name) / server.calls(name) / 1024 / 1024).toFixed(1)
    recordFault({
      ...{ table: "providers", fault: `${format}: ${title}`, tried: server.calls(name) },
      seen: `${code ?? "completed"}, ${taken} MiB taken; all giants at most ${growthMb} MiB of memory`,
    })
  }
})

async function drainInLimits(options: StackOptions): Promise<Memory> {
  const file = fileURLToPath(new URL("./providers/giant-process.ts", import.meta.url))
  const flags = [...TYPESCRIPT_FLAGS, `--max-old-space-size=${HEAP_MB}`]
  const env = { ...process.env, DRAIN_OPTIONS: JSON.stringify(options) }
  const child = spawn(process.execPath, [...flags, file], { env, stdio: ["ignore", "pipe", "inherit"] })
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, "exit")])
  expect(code).toBe(0)
  return JSON.parse(said) as Memory
}
