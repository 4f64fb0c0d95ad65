import { expect, it } from "vitest"
import { createClient, enqueued } from "./client.ts"

it.each(["openai", "anthropic", "deepseek"])(
  "a request to %s is called by the cron, and its answer kept",
  async (provider) => {
    const client = createClient()
    const requestId = await enqueued(client, { provider })
    await client.tick()
    const { body } = await client.call("GET", `/v1/requests/${requestId}`)
    expect(body).toMatchObject({
      state: "completed",
      simulated: true,
      error: null,
      attempts: [{ number: 1, provider, result: "completed", status: 200 }],
      response: {
        object: "chat.completion",
        choices: [{ message: { role: "assistant" }, finish_reason: "stop" }],
      },
      usage: { inputTokens: expect.any(Number), outputTokens: expect.any(Number) },
    })
    expect(body.response.choices[0].message.content.length).toBeGreaterThan(0)
  },
)

it("a request that the provider refuses becomes a dead letter; others are not held up", async () => {
  const client = createClient()
  const refused = await enqueued(client, {
    messages: [{ role: "user", content: "[[sim: error=invalid_request]]" }],
  })
  const accepted = await enqueued(client)
  await client.tick()
  const { body } = await client.call("GET", `/v1/requests/${refused}`)
  expect(body).toMatchObject({ state: "failed", error: { code: "provider_rejected", retryable: false } })
  expect((await client.call("GET", `/v1/requests/${accepted}`)).body.state).toBe("completed")
})
