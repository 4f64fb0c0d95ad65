import { expect, it } from "vitest"
import { createClient, enqueued } from "./client.ts"

it("alerts are evaluated by the cron, and their notices tried, in workerd too", async () => {
  const client = createClient({
    ALERTS: '{"url": "https://example.com/alerts", "rules": {"breaker_open": {}}}',
    WEBHOOK_RESOLVER: "off",
  })
  await enqueued(client, { messages: [{ role: "user", content: "[[sim: error=unauthorized]]" }] })
  await client.tick()
  await client.tick()
  // Found once; a second time counts half a minute later.
  expect((await client.queue.alerts.read()).state.alerts).toMatchObject([
    { rule: "breaker_open", provider: "openai", firedAt: null },
  ])
  const { status, body } = await client.call("POST", "/v1/alerts/test")
  expect(status).toBe(202)
  await client.tick()
  // The tests let nobody out: the call is answered with 599.
  expect((await client.call("GET", "/v1/alerts")).body.notices).toMatchObject([
    { noticeId: body.noticeId, state: "failed", tries: 1, status: 599 },
  ])
  expect((await client.call("GET", "/v1/pulse")).body.troubles).toMatchObject([{ code: "provider_account" }])
})
