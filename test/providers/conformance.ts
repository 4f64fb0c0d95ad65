import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import type { ProviderSettings } from "../../src/core/config.ts"
import type { RequestBody } from "../../src/core/request.ts"
import type { ClockLimits } from "../../src/providers/clocks.ts"
import type { CallOutcome } from "../../src/providers/provider.ts"
import { describeQuotas } from "./conformance-quotas.ts"
import { plainUsage, QUESTION, stream, type VendorFixtures } from "./fixtures/fixtures.ts"
import { type Recording, type ReplayServer, type Step, startReplayServer } from "./replay-server.ts"

/** A call as plain data, so that it can be made in any runtime. */
interface PlainCall {
  settings: ProviderSettings
  limits: ClockLimits
  model: string
  body: RequestBody
  timeoutMs: number
  maxResultBytes: number
  /** null: never; 0: before it starts. */
  abortAfterMs: number | null
}

export type MakeCall = (call: PlainCall) => Promise<CallOutcome>

const CALL = {
  limits: { firstEventMs: 5000, idleMs: 5000 },
  model: "some-model",
  body: { messages: QUESTION, options: {}, providerOptions: {} },
  timeoutMs: 5000,
  maxResultBytes: 1_000_000,
  abortAfterMs: null,
}
/** More than any local exchange takes, less than the timeouts that tests must not run into. */
const SOON_MS = 4000

/** What every adapter must do, in every runtime that calls it. */
export function describeConformance(vendor: VendorFixtures, makeCall: MakeCall): void {
  describe(vendor.settings.name, () => {
    let server: ReplayServer
    beforeAll(async () => {
      server = await startReplayServer()
    })
    afterAll(() => server.close())
    afterEach(async () => {
      await expect.poll(() => server.openExchanges(), { timeout: SOON_MS, interval: 5 }).toBe(0)
    })

    const call = async (recording: Recording, changes: Partial<PlainCall> = {}): Promise<CallOutcome> => {
      server.play(recording)
      const settings = { ...vendor.settings, baseUrl: server.url, simulated: false }
      const startedAt = Date.now()
      const outcome = await makeCall({ ...CALL, settings, ...changes })
      expect(Date.now() - startedAt).toBeLessThan(SOON_MS)
      return outcome
    }
    const play = (steps: Step[], changes: Partial<PlainCall> = {}): Promise<CallOutcome> =>
      call(stream(vendor.streamHeaders, steps), changes)
    const failing = async (outcome: Promise<CallOutcome>) => {
      const ended = await outcome
      if (ended.kind !== "failed") throw new Error(`expected a failure, got ${JSON.stringify(ended)}`)
      return ended
    }
    const { opening, content, keepAlive, finish, endMarker } = vendor.parts

    test.each(Object.entries(vendor.answers))("answer: %s", async (_, fixture) => {
      const outcome = await call(fixture.recording)
      const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } =
        fixture.usage ?? plainUsage(0, 0)
      expect(outcome).toEqual({
        kind: "answered",
        response: {
          id: fixture.id,
          object: "chat.completion",
          created: expect.any(Number),
          model: fixture.model,
          choices: fixture.choices,
          usage: {
            prompt_tokens: inputTokens,
            completion_tokens: outputTokens,
            total_tokens: inputTokens + outputTokens,
            prompt_tokens_details: { cached_tokens: cachedInputTokens },
            completion_tokens_details: { reasoning_tokens: reasoningTokens },
          },
        },
        usage: fixture.usage,
        status: 200,
        providerRequestId: vendor.requestId,
      })
    })

    test("the bytes of an answer may be cut anywhere", async () => {
      const [fixture] = Object.values(vendor.answers)
      if (fixture === undefined) throw new Error("no fixture")
      const outcome = await call({ ...fixture.recording, pieceBytes: 1 })
      expect(outcome).toMatchObject({ kind: "answered", response: { choices: fixture.choices } })
    })

    test.each(Object.entries(vendor.errors))("error: %s", async (_, { recording, failure }) => {
      const { code, retryable, message, ...rest } = failure
      const outcome = await failing(call(recording))
      expect(outcome.failure).toEqual({
        error: { code, retryable, message, status: recording.status },
        partialText: null,
        ...rest,
      })
    })

    describeQuotas(vendor, call)

    test("sends one streaming request with its key to the right place", async () => {
      await play([opening, content, finish, endMarker])
      expect(server.requests).toHaveLength(1)
      const [request] = server.requests
      expect(request).toMatchObject({ method: "POST", path: vendor.path })
      expect(request?.headers[vendor.keyHeader.name]).toBe(vendor.keyHeader.value)
      expect(request?.headers["content-type"]).toBe("application/json")
      expect(request?.body).toMatchObject({ model: "some-model", stream: true })
    })

    test("an endpoint without a key is sent none", async () => {
      const settings = { ...vendor.settings, apiKey: null, baseUrl: server.url, simulated: true }
      await play([opening, finish, endMarker], { settings })
      expect(server.requests[0]?.headers[vendor.keyHeader.name]).toBeUndefined()
    })

    describe("clocks", () => {
      test("no headers in time", async () => {
        const { failure } = await failing(play(["hang"], { timeoutMs: 200 }))
        expect(failure).toMatchObject({
          error: { code: "timeout", retryable: true, status: null },
          scope: "request",
          possiblyBilled: true,
        })
      })

      test("keep-alives are no first content", async () => {
        const limits = { firstEventMs: 250, idleMs: 5000 }
        const waiting = Array.from({ length: 40 }, () => [keepAlive, { waitMs: 50 }]).flat()
        const { failure } = await failing(play([...waiting, content, finish, endMarker], { limits }))
        expect(failure.error).toMatchObject({
          code: "timeout",
          message: "The provider sent no content in time.",
          status: 200,
        })
      })

      test("keep-alives are no content between content", async () => {
        const limits = { firstEventMs: 5000, idleMs: 250 }
        const waiting = Array.from({ length: 40 }, () => [keepAlive, { waitMs: 50 }]).flat()
        const { failure } = await failing(play([opening, content, ...waiting, finish, endMarker], { limits }))
        expect(failure).toMatchObject({
          error: { code: "timeout", message: "The provider stopped sending content." },
          possiblyBilled: true,
        })
      })

      test("content that keeps coming outlives the first and idle limits", async () => {
        const limits = { firstEventMs: 400, idleMs: 400 }
        const slow = Array.from({ length: 12 }, () => [content, { waitMs: 50 }]).flat()
        const outcome = await play([opening, ...slow, finish, endMarker], { limits })
        expect(outcome).toMatchObject({ kind: "answered" })
      })

      test("the total ends an answer that would go on", async () => {
        const endless = Array.from({ length: 200 }, () => [content, { waitMs: 20 }]).flat()
        const { failure } = await failing(play([opening, ...endless], { timeoutMs: 250 }))
        expect(failure.error).toMatchObject({
          code: "timeout",
          message: "The provider did not finish in time.",
        })
      })

      test("an error whose body never ends is still an error", async () => {
        const recording = { ...vendor.rejection("never mind"), steps: ["{", "hang" as const] }
        const { failure } = await failing(call(recording, { timeoutMs: 250 }))
        expect(failure.error).toMatchObject({ code: "provider_rejected", status: 400 })
      })
    })

    describe("abort", () => {
      test("before it starts, nothing is sent", async () => {
        const outcome = await play([content], { abortAfterMs: 0 })
        expect(outcome).toEqual({ kind: "aborted", usage: null, possiblyBilled: false })
        expect(server.requests).toHaveLength(0)
      })

      test.each<[string, Step[]]>([
        ["while it waits for headers", ["hang"]],
        ["in the middle of an answer", [opening, content, "hang"]],
      ])("%s", async (_, steps) => {
        const outcome = await play(steps, { abortAfterMs: 100 })
        expect(outcome).toMatchObject({ kind: "aborted", possiblyBilled: true })
      })
    })

    describe("broken answers", () => {
      const INVALID = { code: "provider_invalid_response", retryable: true, status: 200 }

      test.each<[string, Step[]]>([
        ["ends before it is complete", [opening, content]],
        ["has no events at all", [""]],
        ["says it is over before it began", [endMarker]],
        ["holds an event that is no JSON", [opening, content, 'data: {"choices": [{\n\n', "hang"]],
        ["holds an event that is no object", [opening, "data: null\n\n", "hang"]],
      ])("one that %s", async (_, steps) => {
        const { failure } = await failing(play(steps))
        expect(failure).toMatchObject({
          error: INVALID,
          scope: "request",
          possiblyBilled: true,
          providerRequestId: vendor.requestId,
        })
      })

      test("a page instead of an answer", async () => {
        const headers = { "content-type": "text/html" }
        const { failure } = await failing(call(stream(headers, ["<html><body>Welcome</body></html>"])))
        expect(failure.error).toMatchObject(INVALID)
      })

      test("JSON that is cut", async () => {
        const headers = { "content-type": "application/json" }
        const { failure } = await failing(call(stream(headers, ['{"id": "x", "choices": ['])))
        expect(failure.error).toMatchObject(INVALID)
      })

      test("a connection that breaks in the middle", async () => {
        const { failure } = await failing(play([opening, content, { waitMs: 50 }, "reset"]))
        expect(failure).toMatchObject({
          error: { code: "network", retryable: true, status: 200 },
          scope: "provider",
          possiblyBilled: true,
        })
      })

      test("a connection that breaks before headers may have been billed", async () => {
        const { failure } = await failing(play([{ waitMs: 50 }, "reset"]))
        expect(failure).toMatchObject({
          error: { code: "network", retryable: true, status: null },
          possiblyBilled: true,
        })
      })

      test("a connection that is refused", async () => {
        const settings = { ...vendor.settings, baseUrl: "http://127.0.0.1:9", simulated: false }
        const { failure } = await failing(play([], { settings }))
        expect(failure).toMatchObject({
          error: { code: "network", retryable: true, status: null },
          scope: "provider",
        })
      })
    })

    describe("complete answers are kept", () => {
      const beats = Array.from({ length: 100 }, () => [{ waitMs: 50 }, keepAlive]).flat()
      test.each<[string, Step[], Partial<PlainCall>]>([
        ["the end marker never comes", [opening, content, finish, "hang"], { timeoutMs: 250 }],
        [
          "the connection breaks before the end marker",
          [opening, content, finish, { waitMs: 50 }, "reset"],
          {},
        ],
        ["the server stays open after the end marker", [opening, content, finish, endMarker, "hang"], {}],
        ["keep-alives follow the end marker", [opening, content, finish, endMarker, ...beats], {}],
        ["rubbish follows", [opening, content, finish, "data: {rubbish\n\n"], {}],
      ])("when %s", async (_, steps, changes) => {
        const outcome = await play(steps, changes)
        expect(outcome).toMatchObject({
          kind: "answered",
          response: { choices: [{ message: { content: "piece " }, finish_reason: "stop" }] },
        })
      })
    })

    describe("limits", () => {
      test("an answer over the limit is ended early and its beginning kept", async () => {
        const steps: Step[] = [opening, content.repeat(2000), { waitMs: 20 }, content, "hang"]
        const { failure } = await failing(play(steps, { maxResultBytes: 5000 }))
        expect(failure).toMatchObject({
          error: { code: "result_too_large", retryable: false, status: 200 },
          scope: "request",
          possiblyBilled: true,
        })
        expect(failure.partialText).toBe("piece ".repeat(400).slice(0, 2000))
      })

      test("the limit counts the answer's bytes, not its characters", async () => {
        const wide = content.replace("piece ", "你".repeat(300))
        const outcome = await failing(play([opening, wide, finish, endMarker], { maxResultBytes: 800 }))
        expect(outcome.failure.error.code).toBe("result_too_large")
        expect(outcome.failure.partialText).toBe("你".repeat(300))
        expect(await play([opening, wide, finish, endMarker], { maxResultBytes: 1600 })).toMatchObject({
          kind: "answered",
        })
      })

      test("one line without an end is bounded", async () => {
        const { failure } = await failing(
          play(["data: ", "x".repeat(100_000), "hang"], { maxResultBytes: 5000 }),
        )
        expect(failure.error.code).toBe("result_too_large")
      })

      test("a whole answer over the limit", async () => {
        const recording = stream({ "content-type": "application/json" }, [
          JSON.stringify({ text: "x".repeat(200_000) }),
          "hang",
        ])
        const { failure } = await failing(call(recording, { maxResultBytes: 5000 }))
        expect(failure.error.code).toBe("result_too_large")
      })

      test("an error body without an end is bounded", async () => {
        const recording = { ...vendor.rejection(""), steps: ["x".repeat(100_000), "hang" as const] }
        const { failure } = await failing(call(recording))
        expect(failure.error).toMatchObject({ code: "provider_rejected", status: 400 })
      })
    })

    test("a redirect is not followed", async () => {
      const headers = { location: `${server.url}/elsewhere` }
      const { failure } = await failing(call({ status: 307, headers, steps: [] }))
      expect(failure).toMatchObject({
        error: { code: "provider_invalid_response", retryable: true },
        scope: "provider",
        possiblyBilled: false,
      })
      expect(server.requests).toHaveLength(1)
    })

    test("a vendor's words are shown without secrets, and short", async () => {
      const secrets = ["sk-proj-abcdef123456", "jane.doe@example.com", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"]
      const text = `Bad key ${secrets[0]}, ask ${secrets[1]}. Bearer ${secrets[2]} ${"so it goes ".repeat(200)}`
      const { failure } = await failing(call(vendor.rejection(text)))
      expect(failure.error.message).toMatch(
        /^Bad key \[redacted\], ask \[redacted\]\. Bearer \[redacted\] so it/,
      )
      expect(failure.error.message.length).toBeLessThanOrEqual(500)
    })
  })
}
