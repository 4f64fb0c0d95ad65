import { once } from "node:events"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as wait } from "node:timers/promises"
import { afterEach, beforeEach, expect, it } from "vitest"
import { startTicker, type Ticker } from "../../dev/ticker.ts"
import { eventually } from "../helpers/eventually.ts"

let urls: string[]
let open: ServerResponse[]
let answer: (response: ServerResponse) => void
let ticker: Ticker | null
const server = createServer((request, response) => {
  urls.push(request.url ?? "")
  answer(response)
})
let origin: string
const problems: string[] = []

beforeEach(async () => {
  urls = []
  open = []
  problems.length = 0
  answer = (response) => response.end('{"outcome":"ok","noRetry":false}')
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  ticker?.stop()
  server.closeAllConnections()
  server.close()
  await once(server, "close")
})

it("fires the cron at once and then every so often, and says nothing when all is well", async () => {
  ticker = startTicker(origin, 60, (line) => problems.push(line))
  await eventually(() => urls.length >= 3)
  expect(new Set(urls)).toEqual(new Set(["/cdn-cgi/local/scheduled?cron=*%20*%20*%20*%20*&format=json"]))
  ticker.stop()
  const fired = urls.length
  await wait(200)
  expect(urls.length).toBe(fired)
  expect(problems).toEqual([])
})

it("lets ticks overlap, three at most", async () => {
  answer = (response) => open.push(response)
  ticker = startTicker(origin, 20, (line) => problems.push(line))
  await eventually(() => open.length === 3)
  await wait(150)
  expect(open.length).toBe(3)
  open.shift()?.end('{"outcome":"ok"}')
  await eventually(() => urls.length === 4)
})

it("tells of a tick that did not end well, and goes on", async () => {
  const answers = ['{"outcome":"exception"}', "not JSON", null]
  answer = (response) => {
    const text = answers.shift()
    if (text === null) response.destroy()
    else response.end(text ?? '{"outcome":"ok"}')
  }
  ticker = startTicker(origin, 60, (line) => problems.push(line))
  await eventually(() => urls.length >= 5)
  expect(problems).toEqual([
    "the cron tick ended with exception",
    "the cron tick ended with status 200",
    expect.stringMatching(/^the cron tick failed: /),
  ])
})
