import { createExecutionContext } from "cloudflare:test"
import { env } from "cloudflare:workers"
import { expect, it } from "vitest"
import worker from "../../src/index.ts"
import { checkDocumentedEvent, documented } from "../helpers/documented.ts"
import { createClient, enqueued } from "./client.ts"

/** The queue of the lanes themselves: they know the Worker's own variables. */
const bindings = { QUEUE_NAME: env.QUEUE_NAME, DRAIN_LANES: env.DRAIN_LANES, SUBREQUEST_LIMIT: "10000" }
const client = createClient(bindings)
const say = (content: string) => ({ messages: [{ role: "user", content }] })

/** The part of a server-sent event that tests look at. */
interface Told {
  event: string
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect of it.
  data: any
}

async function* follow(requestId: string): AsyncGenerator<Told> {
  const headers = { authorization: `Bearer ${env.ADMIN_API_KEY}` }
  const path = `/v1/requests/${requestId}/events`
  const request = new Request(`https://queue.test${path}`, { headers })
  const answer = await worker.fetch(request, { ...env, ...bindings }, createExecutionContext())
  const response = await documented({ method: "GET", path }, answer)
  expect(response.headers.get("content-type")).toBe("text/event-stream")
  let rest = ""
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const blocks = (rest + chunk).split("\n\n")
    rest = blocks.pop() ?? ""
    for (const block of blocks) {
      const [, event = "", data = ""] = /^event: (\w+)\ndata: (.*)$/m.exec(block) ?? []
      if (event === "") continue
      const told = { event, data: JSON.parse(data) }
      checkDocumentedEvent(event, told.data)
      yield told
    }
  }
}

it("a waiter learns of completion soon after it, with lanes: within 300 ms at the median", async () => {
  const lags: number[] = []
  for (let i = 0; i < 7; i++) {
    const requestId = await enqueued(
      client,
      say(`waited for ${i} [[sim: latencyMs=${300 + 250 * i} tokens=5]]`),
    )
    const { body } = await client.call("GET", `/v1/requests/${requestId}?wait=30`)
    lags.push(Date.now() - body.finishedAt)
    expect(body.state).toBe("completed")
  }
  expect(lags.sort((a, b) => a - b)[3]).toBeLessThan(300)
})

it("the text of a call comes as it grows, from the lane that was told that it is watched", async () => {
  const requestId = await enqueued(
    client,
    say("tells much [[sim: tokens=80 tokensPerSecond=40 latencyMs=50]]"),
  )
  await expect
    .poll(async () => (await client.call("GET", `/v1/requests/${requestId}`)).body.state)
    .toBe("processing")
  const told: Told[] = []
  for await (const each of follow(requestId)) told.push(each)
  const texts = told.filter(({ event }) => event === "text")
  const finished = told.at(-1)
  expect(finished).toMatchObject({ event: "finished", data: { state: "completed" } })
  expect(texts.map(({ data }) => data.text).join("")).toBe(finished?.data.response.choices[0].message.content)
  expect(texts.length).toBeGreaterThan(2)
})
