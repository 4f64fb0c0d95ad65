import { expect, test } from "vitest"
import { createProviders } from "../../src/providers/registry.ts"
import { describeConformance, type MakeCall } from "./conformance.ts"
import { anthropic } from "./fixtures/anthropic.ts"
import { custom } from "./fixtures/custom.ts"
import { deepseek } from "./fixtures/deepseek.ts"
import { openai } from "./fixtures/openai.ts"

const makeCall: MakeCall = async ({ settings, limits, abortAfterMs, ...call }) => {
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
    return await provider.call({ ...call, signal: controller.signal, fetch })
  } finally {
    clearTimeout(timer)
  }
}

for (const vendor of [openai, deepseek, anthropic, custom]) describeConformance(vendor, makeCall)

test.each(["http://127.0.0.1:9", "http://no-such-host.invalid"])(
  "%s: what never reached the provider cannot have been billed",
  async (baseUrl) => {
    const outcome = await makeCall({
      settings: { ...openai.settings, baseUrl, simulated: false },
      limits: { firstEventMs: 2000, idleMs: 2000 },
      model: "some-model",
      body: { messages: [], options: {}, providerOptions: {} },
      timeoutMs: 2000,
      maxResultBytes: 1000,
      abortAfterMs: null,
    })
    expect(outcome).toMatchObject({ kind: "failed", failure: { possiblyBilled: false } })
  },
)
