import { expect, test } from "vitest"
import { setPlainTimer } from "../../src/core/timers.ts"
import type { CallOutcome } from "../../src/providers/provider.ts"
import { createProviders } from "../../src/providers/registry.ts"
import { describeConformance, type MakeCall } from "./conformance.ts"
import { anthropic } from "./fixtures/anthropic.ts"
import { custom } from "./fixtures/custom.ts"
import { deepseek } from "./fixtures/deepseek.ts"
import { stream } from "./fixtures/fixtures.ts"
import { openai } from "./fixtures/openai.ts"
import { startReplayServer } from "./replay-server.ts"

const callWith = async (fetcher: typeof fetch, plain: Parameters<MakeCall>[0]): Promise<CallOutcome> => {
  const { settings, limits, abortAfterMs, ...call } = plain
  const config = {
    providers: { [settings.name]: settings },
    anthropicDefaultMaxTokens: 4096,
    anthropicVersion: "2023-06-01",
  }
  const provider = createProviders(config, limits).get(settings.name)
  if (provider === undefined) throw new Error("not configured")
  const controller = new AbortController()
  if (abortAfterMs === 0) controller.abort()
  const timer = abortAfterMs === null ? undefined : setTimeout(() => controller.abort(), abortAfterMs)
  try {
    return await provider.call({
      ...call,
      signal: controller.signal,
      fetch: fetcher,
      setTimer: setPlainTimer,
    })
  } finally {
    clearTimeout(timer)
  }
}

const makeCall: MakeCall = (call) => callWith(fetch, call)

for (const vendor of [openai, deepseek, anthropic, custom]) describeConformance(vendor, makeCall)

const CALL = {
  limits: { firstEventMs: 2000, idleMs: 2000 },
  model: "some-model",
  body: { messages: [], options: {}, providerOptions: {} },
  timeoutMs: 2000,
  maxResultBytes: 1000,
  abortAfterMs: null,
}

test.each(["http://127.0.0.1:9", "http://no-such-host.invalid"])(
  "%s: what never reached the provider cannot have been billed",
  async (baseUrl) => {
    const settings = { ...openai.settings, baseUrl, simulated: false }
    const outcome = await makeCall({ ...CALL, settings })
    expect(outcome).toMatchObject({ kind: "failed", failure: { possiblyBilled: false } })
  },
)

test("a call ends in time, and lets go of its body, also through a fetch that drops the signal", async () => {
  const server = await startReplayServer()
  try {
    server.play(stream(openai.streamHeaders, [openai.parts.opening, openai.parts.content, "hang"]))
    const settings = { ...openai.settings, baseUrl: server.url, simulated: false }
    const dropsSignal: typeof fetch = (input, init) => fetch(input, { ...init, signal: null })
    const outcome = await callWith(dropsSignal, { ...CALL, settings, timeoutMs: 200 })
    expect(outcome).toMatchObject({ kind: "failed", failure: { error: { code: "timeout" } } })
    await expect.poll(() => server.openExchanges()).toBe(0)
  } finally {
    await server.close()
  }
})
