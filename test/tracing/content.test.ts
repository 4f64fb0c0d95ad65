import { expect, it } from "vitest"
import { requestBody, TRACEPARENT, tracedWorkers } from "./suite.ts"

const suite = tracedWorkers()

const MARKER = "MARKER-5e1f"
const CASES = 24

/** A generator of its own, so that a failure can be repeated. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

it(`no content is in any line or span, whatever becomes of ${CASES} random requests`, async () => {
  const seed = Date.now() >>> 0
  const random = randomFrom(seed)
  const pick = <Value>(values: readonly Value[]): Value =>
    values[Math.floor(random() * values.length)] as Value
  const directives = [
    "",
    `[[sim: error=rejected message="${MARKER}"]]`,
    `[[sim: error=overloaded message="${MARKER}" times=1]]`,
    "[[sim: fault=malformed_json times=1]]",
    "[[sim: fault=cut times=1]]",
    `[[sim: text="${MARKER}"]]`,
    "[[sim: answer=tool_call]]",
  ]
  const marked = () => `${MARKER} ${Math.floor(random() * 1e9)} \n"'\\${pick(["é", "\u2028", "<", "|"])}`
  const asked = () =>
    requestBody(`${pick(directives)} ${marked()}`, {
      provider: pick(["openai", "anthropic", "deepseek"]),
      metadata: pick([{}, { note: marked() }]),
      options: pick([{}, { user: marked() }, { stop: [MARKER] }]),
      callback: pick([null, null, null, { url: `http://127.0.0.1:1/?token=${MARKER}` }]),
      maxRetries: pick([0, 2]),
      delayMs: pick([0, 0, 0, 600_000]),
    })
  const { call, services, lines } = suite.open({ WEBHOOK_RESOLVER: "off", WEBHOOK_ALLOW_PRIVATE: "1" })
  const requests = Array.from({ length: CASES }, asked)
  const single = requests.slice(0, CASES / 2)
  const ids: string[] = []
  for (const request of single) {
    const headers = pick([{}, { traceparent: TRACEPARENT }, { traceparent: MARKER, tracestate: MARKER }])
    ids.push((await call("POST", "/v1/requests", request, headers)).requestId)
  }
  const bulk = await call("POST", "/v1/requests/bulk", { requests: requests.slice(CASES / 2) })
  ids.push(...bulk.requests.map(({ requestId }: { requestId: string }) => requestId))
  for (const id of ids.filter(() => random() < 0.2)) {
    await call("DELETE", `/v1/requests/${id}`)
  }
  for (let tick = 0; tick < 3; tick++) await services.tick()
  for (const id of ids) {
    if ((await services.queue.status(id, null))?.state === "failed")
      await call("POST", `/v1/requests/${id}/replay`)
  }
  await services.tick()
  await services.tracing?.flush(99)

  // The marker did go where it belongs.
  expect(JSON.stringify(suite.simulator.bodies), `seed ${seed}`).toContain(MARKER)
  const told = [
    ...suite.collector.exports.map(({ body }) => body),
    ...lines.map((line) => JSON.stringify(line)),
  ]
  expect(told.length).toBeGreaterThan(CASES)
  expect(
    told.filter((text) => text.includes(MARKER)),
    `seed ${seed}`,
  ).toEqual([])
  const events = new Set(lines.map(({ event }) => event))
  for (const event of ["stored", "claimed", "attempt", "settled"])
    expect(events, `seed ${seed}`).toContain(event)
})
