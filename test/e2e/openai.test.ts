import OpenAI, { APIConnectionTimeoutError, AuthenticationError, NotFoundError } from "openai"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { RequestStatus } from "../../src/core/outcome.ts"
import { documentedFetch } from "../helpers/documented.ts"
import { eventually } from "../helpers/eventually.ts"
import { createApi } from "../helpers/requests.ts"
import {
  ADMIN_KEY,
  type Checkout,
  createCheckout,
  type Stack,
  stackStores,
  startStack,
} from "../helpers/stack.ts"

let checkout: Checkout
let stack: Stack
let client: OpenAI
beforeAll(async () => {
  checkout = createCheckout(stackStores.at(-1) ?? "embedded")
  stack = await startStack(checkout, {
    MODELS: '{"smart": "anthropic/claude-sonnet-4-5"}',
    ROUTES: '{"fast": [{"provider": "openai", "model": "gpt-5-mini"}]}',
  })
  client = new OpenAI({ baseURL: `${stack.url}/v1`, apiKey: ADMIN_KEY, fetch: documentedFetch })
})
afterAll(async () => {
  await stack.stop()
  await checkout.remove()
})

const ask = (content: string, model = "gpt-5-mini") => ({
  model,
  messages: [{ role: "user" as const, content }],
})

const requestsOf = async (organizationId: string) => {
  const path = `/v1/requests?limit=100&organizationId=${organizationId}`
  return (await createApi(stack.url).call<{ data: RequestStatus[] }>("GET", path, 200)).data
}

describe("chat completions with OpenAI's SDK", () => {
  it.each(["gpt-5-mini", "anthropic/claude-sonnet-4-5", "deepseek/deepseek-chat", "smart", "fast"])(
    "%s answers",
    async (model) => {
      const text = `What does ${model} say?`
      const { data, response } = await client.chat.completions.create(ask(text, model)).withResponse()
      expect(data).toMatchObject({ object: "chat.completion", choices: [{ finish_reason: "stop" }] })
      expect(data.choices[0]?.message.content).toContain(text)
      const requestId = response.headers.get("x-queue-request-id") ?? ""
      const status = await createApi(stack.url).status(requestId)
      expect(status).toMatchObject({ state: "completed", organizationId: "default", priority: "normal" })
    },
  )

  it("streams: the chunks put together are the stored answer", async () => {
    const stream = client.chat.completions.stream({
      ...ask("Tell a long story."),
      stream_options: { include_usage: true },
    })
    const texts: string[] = []
    stream.on("content", (delta) => texts.push(delta))
    const whole = await stream.finalChatCompletion()
    expect(texts.join("")).toBe(whole.choices[0]?.message.content)
    expect(whole.usage?.completion_tokens).toBeGreaterThan(0)
  })
})

describe("what else its clients do", () => {
  it("runs tools until the answer is there", async () => {
    const cities: string[] = []
    const runner = client.chat.completions.runTools({
      ...ask("What is the weather like? [[sim: answer=tool_call times=1]]"),
      tools: [
        {
          type: "function",
          function: {
            name: "get_weather",
            description: "The weather in a city.",
            parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
            parse: JSON.parse,
            function: ({ city }: { city: string }) => {
              cities.push(city)
              return "Sunny."
            },
          },
        },
      ],
    })
    expect(await runner.finalContent()).toContain("What is the weather like?")
    expect(cities).toHaveLength(1)
  })

  it("lists and finds models", async () => {
    const models: string[] = []
    for await (const { id } of client.models.list()) models.push(id)
    expect(models).toEqual(["smart", "fast"])
    expect(await client.models.retrieve("fast")).toMatchObject({ id: "fast", owned_by: "auto" })
    await expect(client.models.retrieve("slow")).rejects.toThrow(NotFoundError)
  })

  it("says what is wrong, and is not tried again", async () => {
    const wrong = client.chat.completions.create({ ...ask("Hello."), n: 2 })
    await expect(wrong).rejects.toMatchObject({ status: 400, param: "n", code: "not_supported" })
    const missing = client.chat.completions.create(ask("Hello.", "elsewhere/gpt-5"), {
      headers: { "X-Queue-Priority": "urgent" },
    })
    await expect(missing).rejects.toThrow(/X-Queue-Priority must be one of critical/)
    for (const stream of [true, false]) {
      const refused = client.chat.completions.create({
        ...ask(`Refused ${stream} [[sim: error=rejected]]`),
        stream,
      })
      await expect(refused).rejects.toMatchObject({ status: 400, code: "provider_rejected" })
      expect(await stack.calls(`Refused ${stream}`)).toHaveLength(1)
    }
    const stranger = new OpenAI({
      baseURL: `${stack.url}/v1`,
      apiKey: "aiq_unknown",
      maxRetries: 0,
      fetch: documentedFetch,
    })
    await expect(stranger.chat.completions.create(ask("Hello."))).rejects.toThrow(AuthenticationError)
  })

  it("takes what the queue alone knows in headers", async () => {
    const headers = { Prefer: "respond-async", "X-Queue-Priority": "high", "X-Queue-Timeout": "5000" }
    const { data, response } = await client.chat.completions
      .create({ ...ask("Later."), metadata: { trace: "abc" } }, { headers })
      .withResponse()
    expect(response.status).toBe(202)
    expect(response.headers.get("preference-applied")).toBe("respond-async")
    const { requestId } = data as unknown as { requestId: string }
    expect(response.headers.get("location")).toBe(`/v1/requests/${requestId}`)
    const [request] = await createApi(stack.url).completed([requestId])
    expect(request).toMatchObject({ priority: "high", timeoutMs: 5000, metadata: { trace: "abc" } })
  })
})

describe("responses with OpenAI's SDK", () => {
  it.each(["gpt-5-mini", "anthropic/claude-sonnet-4-5", "deepseek/deepseek-chat"])(
    "%s answers",
    async (model) => {
      const text = `Respond as ${model}`
      const response = await client.responses.create({ model, instructions: "Be brief.", input: text })
      expect(response.status).toBe("completed")
      expect(response.output_text).toContain(text)
      expect(response.usage?.output_tokens).toBeGreaterThan(0)
      expect(await client.responses.retrieve(response.id)).toEqual(response)
    },
  )

  it("works in the background, and cancels", async () => {
    let response = await client.responses.create({ model: "fast", input: "In peace.", background: true })
    expect(response).toMatchObject({ status: "queued", background: true, output: [] })
    await eventually(async () => {
      response = await client.responses.retrieve(response.id)
      return response.status === "completed"
    })
    expect(response.output_text).toContain("In peace.")
    expect(await client.responses.cancel(response.id)).toMatchObject({ status: "completed" })

    const slow = await client.responses.create({
      ...{ model: "gpt-5-mini", input: "Too slow. [[sim: latencyMs=20000]]", background: true },
    })
    expect(await client.responses.cancel(slow.id)).toMatchObject({ id: slow.id, status: "cancelled" })
    expect(await client.responses.cancel(slow.id)).toMatchObject({ status: "cancelled" })
    await expect(client.responses.retrieve("resp_unknown")).rejects.toThrow(NotFoundError)
  })
})

describe("a caller that leaves", () => {
  it.each([false, true])(
    "cancels its request, so that its own tries never pay twice (stream: %s)",
    async (stream) => {
      const organization = `leaves-${stream}`
      const impatient = new OpenAI({
        ...{ baseURL: `${stack.url}/v1`, apiKey: ADMIN_KEY, organization, timeout: 300, maxRetries: 2 },
        fetch: documentedFetch,
      })
      const text = `Slow ${stream} [[sim: latencyMs=5000]]`
      const asked = impatient.chat.completions.create({ ...ask(text), stream })
      await expect(asked).rejects.toThrow(APIConnectionTimeoutError)
      const states = async () => (await requestsOf(organization)).map(({ state }) => state)
      await eventually(async () => (await states()).join() === "cancelled,cancelled,cancelled")
      await eventually(async () =>
        (await stack.calls(`Slow ${stream}`)).every(({ result }) => result === "aborted"),
      )
      const calls = await stack.calls(`Slow ${stream}`)
      expect(calls.length).toBeGreaterThan(0)
      // One at a time: each began when the one before had ended.
      const overlaps = calls.slice(1).filter(({ startedAt }, i) => startedAt < (calls[i]?.endedAt ?? 0))
      expect(overlaps).toEqual([])
    },
  )

  it("finds its request again where it gave an Idempotency-Key", async () => {
    const organization = "comes-back"
    const patient = new OpenAI({
      baseURL: `${stack.url}/v1`,
      apiKey: ADMIN_KEY,
      organization,
      timeout: 500,
      maxRetries: 5,
      fetch: documentedFetch,
    })
    const headers = { "Idempotency-Key": "once" }
    const { choices } = await patient.chat.completions.create(ask("Patient [[sim: latencyMs=1500]]"), {
      headers,
    })
    expect(choices[0]?.message.content).toContain("Patient")
    expect(await stack.calls("Patient")).toMatchObject([{ result: "completed" }])
    expect(await requestsOf(organization)).toHaveLength(1)
  })

  it("aborts the call when it stops reading in the middle", async () => {
    const stream = await client.chat.completions.create({
      ...ask("Stop me [[sim: tokens=400 tokensPerSecond=20]]"),
      stream: true,
    })
    const texts: string[] = []
    for await (const { choices } of stream) {
      texts.push(choices[0]?.delta.content ?? "")
      if (texts.join("").length > 20) break
    }
    const ended = async () => (await stack.calls("Stop me")).map(({ result }) => result)
    await eventually(async () => (await ended()).join() === "aborted")
  })
})
