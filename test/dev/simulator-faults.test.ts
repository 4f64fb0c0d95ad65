import OpenAI from "openai"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { type Simulator, startSimulator } from "../../dev/simulator/simulator.ts"
import type { ProviderName } from "../../dev/simulator/wire-format.ts"

let simulator: Simulator

beforeAll(async () => {
  simulator = await startSimulator({ latencyMs: 0, tokensPerSecond: 0 })
})
afterAll(() => simulator.close())
beforeEach(() => simulator.clearCalls())

const VENDORS = ["openai", "anthropic", "deepseek"] as const
const PATHS = { openai: "/chat/completions", anthropic: "/v1/messages", deepseek: "/chat/completions" }

interface Options {
  stream?: boolean
  signal?: AbortSignal
  redirect?: NonNullable<RequestInit["redirect"]>
}

function call(provider: ProviderName, script: string, options: Options = {}): Promise<Response> {
  const { stream = true, ...init } = options
  const messages = [{ role: "user", content: `Hello [[sim: ${script}]]` }]
  const body = {
    model: "m",
    messages,
    stream,
    ...(provider === "anthropic" ? { max_tokens: 10_000_000 } : {}),
  }
  return fetch(simulator.baseUrls[provider] + PATHS[provider], {
    method: "POST",
    headers: { "anthropic-version": "2023-06-01" },
    body: JSON.stringify(body),
    ...init,
  })
}

/** What came before the connection broke, and whether it did. */
async function readAll(response: Response): Promise<{ bytes: Buffer; broke: boolean; pieces: number[] }> {
  const chunks: Uint8Array[] = []
  let broke = false
  try {
    for await (const chunk of response.body ?? []) chunks.push(chunk)
  } catch {
    broke = true
  }
  return { bytes: Buffer.concat(chunks), broke, pieces: chunks.map((chunk) => chunk.length) }
}

/** The data of each event that is JSON. */
function payloads(text: string): Record<string, unknown>[] {
  return text
    .split(/\r?\n/)
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice(6)))
}

/** The text of an answer in any of the formats, streamed. */
function spokenText(text: string): string {
  return payloads(text)
    .map((data) => {
      const { choices, delta } = data as {
        choices?: { delta?: { content?: string } }[]
        delta?: { text?: string }
      }
      return choices?.[0]?.delta?.content ?? delta?.text ?? ""
    })
    .join("")
}

const lastCall = () => simulator.calls.at(-1)

describe.each(VENDORS)("%s", (provider) => {
  it("breaks the connection before any header", async () => {
    await expect(call(provider, "fault=reset")).rejects.toThrow("fetch failed")
    expect(lastCall()).toMatchObject({ result: "error", status: null })
  })

  it("breaks it in the middle of a stream, after so many tokens", async () => {
    const { bytes, broke } = await readAll(await call(provider, "fault=cut afterTokens=10"))
    expect(broke).toBe(true)
    expect(spokenText(bytes.toString())).toHaveLength(40)
    expect(lastCall()).toMatchObject({ result: "error", status: 200 })
  })

  it("ends a stream as if it were whole, without its last events", async () => {
    const { bytes, broke } = await readAll(await call(provider, "fault=end_early afterTokens=10"))
    expect(broke).toBe(false)
    expect(spokenText(bytes.toString())).toHaveLength(40)
    expect(bytes.toString()).not.toMatch(/\[DONE\]|message_stop|"finish_reason":"|"stop_reason":"/)
  })

  it("leaves out only the terminator", async () => {
    const { bytes } = await readAll(await call(provider, "fault=missing_done"))
    expect(bytes.toString()).toMatch(/"finish_reason":"stop"|"stop_reason":"end_turn"/)
    expect(bytes.toString()).not.toMatch(/\[DONE\]|message_stop/)
    expect(lastCall()?.result).toBe("error")
  })

  it("damages the JSON of one event", async () => {
    const { bytes } = await readAll(await call(provider, "fault=malformed_json"))
    const lines = bytes
      .toString()
      .split("\n")
      .filter((line) => line.startsWith("data: {"))
    const broken = lines.filter((line) => {
      try {
        JSON.parse(line.slice(6))
        return false
      } catch {
        return true
      }
    })
    expect(broken).toHaveLength(1)
    expect(bytes.toString()).toMatch(/\[DONE\]|message_stop/)
  })

  it("damages the encoding of one event, inside its text", async () => {
    const { bytes } = await readAll(await call(provider, "fault=invalid_utf8"))
    expect(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes)).toThrow()
    expect(spokenText(bytes.toString())).toContain("\uFFFD(")
  })

  it("damages a whole answer likewise", async () => {
    const malformed = await readAll(await call(provider, "fault=malformed_json", { stream: false }))
    expect(() => JSON.parse(malformed.bytes.toString())).toThrow(SyntaxError)
    const invalid = await readAll(await call(provider, "fault=invalid_utf8", { stream: false }))
    expect(() => new TextDecoder("utf-8", { fatal: true }).decode(invalid.bytes)).toThrow()
    const early = await readAll(await call(provider, "fault=end_early", { stream: false }))
    expect(early.broke).toBe(false)
    expect(() => JSON.parse(early.bytes.toString())).toThrow(SyntaxError)
    const cut = await readAll(await call(provider, "fault=cut", { stream: false }))
    expect(cut.broke).toBe(true)
  })

  it("answers with a page, and with a redirect that a careful client does not follow", async () => {
    const page = await call(provider, "fault=html")
    expect(page.status).toBe(200)
    expect(page.headers.get("content-type")).toBe("text/html")
    const followed = simulator.redirectsFollowed
    expect((await call(provider, "fault=redirect", { redirect: "manual" })).status).toBe(302)
    expect(simulator.redirectsFollowed).toBe(followed)
    await call(provider, "fault=redirect status=307")
    expect(simulator.redirectsFollowed).toBe(followed + 1)
  })

  it("is silent before the headers, and notices at once that the client left", async () => {
    const aborter = new AbortController()
    const answer = call(provider, "fault=stall_headers", { signal: aborter.signal }).catch(
      (e: Error) => e.name,
    )
    await expect.poll(() => simulator.inFlight[provider]).toBe(1)
    const leftAt = Date.now()
    aborter.abort()
    expect(await answer).toBe("AbortError")
    await expect.poll(() => lastCall()?.result, { interval: 5 }).toBe("aborted")
    expect((lastCall()?.endedAt ?? 0) - leftAt).toBeLessThan(1000)
    expect(simulator.inFlight[provider]).toBe(0)
  })

  it.each([true, false])("is silent after the headers (streamed: %s)", async (stream) => {
    const aborter = new AbortController()
    const response = await call(provider, "fault=stall_first", { stream, signal: aborter.signal })
    expect(response.status).toBe(200)
    const first = response.body?.getReader().read()
    const winner = await Promise.race([first, new Promise((resolve) => setTimeout(resolve, 60, "silence"))])
    expect(winner).toBe("silence")
    aborter.abort()
    await expect(first).rejects.toThrow()
    await expect.poll(() => lastCall()?.result).toBe("aborted")
  })

  it("is silent in the middle, and goes on after a stall that ends", async () => {
    const startedAt = performance.now()
    const { bytes } = await readAll(await call(provider, "fault=stall afterTokens=10 stallMs=80"))
    expect(performance.now() - startedAt).toBeGreaterThan(75)
    expect(spokenText(bytes.toString())).toHaveLength(160)
    expect(lastCall()?.result).toBe("completed")

    const aborter = new AbortController()
    const response = await call(provider, "fault=stall afterTokens=10", { signal: aborter.signal })
    const reader = response.body?.getReader()
    let text = ""
    while (spokenText(text).length < 40) text += Buffer.from((await reader?.read())?.value ?? []).toString()
    const more = reader?.read()
    const winner = await Promise.race([more, new Promise((resolve) => setTimeout(resolve, 60, "silence"))])
    expect(winner).toBe("silence")
    aborter.abort()
    await expect(more).rejects.toThrow()
  })

  it.each([true, false])("gives signs of life for ever (streamed: %s)", async (stream) => {
    const aborter = new AbortController()
    const response = await call(provider, "fault=keep_alive keepAliveMs=5", {
      stream,
      signal: aborter.signal,
    })
    const reader = response.body?.getReader()
    let text = ""
    while (text.length < 60 && stream) text += Buffer.from((await reader?.read())?.value ?? []).toString()
    while (text.length < 4) text += Buffer.from((await reader?.read())?.value ?? []).toString()
    if (!stream) expect(text.trim()).toBe("")
    else expect(text).toMatch(provider === "anthropic" ? /^(event: ping\n.*\n\n)+/ : /^(: keep-alive\n\n)+/)
    expect(payloads(text).every((data) => data.type === "ping")).toBe(true)
    aborter.abort()
    await expect.poll(() => lastCall()?.result).toBe("aborted")
  })

  it.each(["splitBytes=1", "splitBytes=3 crlf=true"])(
    "is the same answer, however it is torn (%s)",
    async (script) => {
      const text = 'text="abc🙂 naïve 北京"'
      const { bytes, pieces } = await readAll(await call(provider, `${text} ${script}`))
      const whole = new TextDecoder("utf-8", { fatal: true }).decode(bytes)

      expect(spokenText(whole)).toBe("abc🙂 naïve 北京")
      // No vendor sends half a character as an event's text.
      expect(whole).not.toMatch(/\\ud[89a-f]/i)
      expect(whole.includes("\r\n")).toBe(script.includes("crlf"))
      // What the kernel sends together may arrive together; most of it does not.
      expect(pieces.length).toBeGreaterThan(bytes.length / 100)
      expect(lastCall()?.result).toBe("completed")
    },
  )

  it("streams megabytes, no faster than they are read", async () => {
    const response = await call(provider, "tokens=5242880")
    await new Promise((resolve) => setTimeout(resolve, 100))
    // What the kernel and the client keep is far from twenty megabytes.
    expect(lastCall()?.result).toBeNull()
    const { bytes, broke } = await readAll(response)
    expect(broke).toBe(false)
    expect(spokenText(bytes.toString())).toHaveLength(20 * 1024 * 1024)
    expect(lastCall()?.result).toBe("completed")
  })
})

it("leaves nothing running for a client that left", async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
  const aborter = new AbortController()
  const calls = Array.from({ length: 20 }, async () => {
    const response = await call("openai", "latencyMs=3000000", { signal: aborter.signal })
    await response.text()
  })
  await expect.poll(() => simulator.inFlight.openai).toBe(20)
  const whileWaiting = timers()
  aborter.abort()
  await Promise.allSettled(calls)
  // Each call had a timer; a few of others come and go.
  await expect.poll(timers).toBeLessThanOrEqual(whileWaiting - 15)
})

describe("time", () => {
  it("passes before the headers and before the first token as scripted", async () => {
    const startedAt = performance.now()
    const response = await call("openai", "headersLatencyMs=80 latencyMs=120")
    const headersMs = performance.now() - startedAt
    await response.body?.getReader().read()
    const firstMs = performance.now() - startedAt

    expect(headersMs).toBeGreaterThanOrEqual(79)
    expect(firstMs).toBeGreaterThanOrEqual(198)
  })

  it("passes between tokens at the rate that is asked for, a few tokens an event", async () => {
    const startedAt = performance.now()
    const { bytes, pieces } = await readAll(await call("openai", "tokens=60 tokensPerSecond=200"))
    const tookMs = performance.now() - startedAt

    expect(tookMs).toBeGreaterThan(280)
    expect(tookMs).toBeLessThan(3000)
    expect(spokenText(bytes.toString())).toHaveLength(240)
    expect(pieces.length).toBeGreaterThan(5)
    expect(pieces.length).toBeLessThanOrEqual(40)
  })

  it("passes for an answer in one piece too", async () => {
    const startedAt = performance.now()
    await readAll(await call("openai", "tokens=20 tokensPerSecond=200 latencyMs=50", { stream: false }))
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(149)
  })
})

it("the SDK takes a torn stream for what it is", async () => {
  const client = new OpenAI({ apiKey: "k", baseURL: simulator.baseUrls.openai, maxRetries: 0 })
  const content = '[[sim: text="naïve 北京 🙂" splitBytes=2 crlf=true]]'
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content }]
  const stream = client.chat.completions.stream({ model: "m", messages, stream: true })
  expect(await stream.finalContent()).toBe("naïve 北京 🙂")
})
