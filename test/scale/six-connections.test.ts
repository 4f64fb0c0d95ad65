import { once } from "node:events"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, beforeEach, expect, test } from "vitest"
import { eventually } from "../helpers/eventually.ts"
import { Invocation } from "../helpers/six-connections.ts"

/** Calls that have reached the server and got no headers, oldest first. */
const held: { path: string; response: ServerResponse }[] = []
const paths: string[] = []
const server = createServer((request, response) => {
  held.push({ path: request.url ?? "", response })
  paths.push(request.url ?? "")
})
let url = ""

beforeEach(async () => {
  held.length = 0
  paths.length = 0
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  const closed = once(server, "close")
  server.close()
  server.closeAllConnections()
  await closed
})

const call = (path: string, signal?: AbortSignal) => fetch(`${url}/${path}`, signal ? { signal } : {})
const calls = (count: number) => Array.from({ length: count }, (_, i) => call(String(i + 1)))
/** What ends with the test must not count as unhandled. */
const ignore = (all: Promise<unknown>[]) => Promise.allSettled(all)

test("a seventh call waits until one of six has its headers, and a body holds no connection", async () => {
  const invocation = new Invocation()
  const answers = await invocation.run(async () => ({ all: calls(9) }))
  ignore(answers.all)
  await eventually(() => held.length === 6)
  expect(invocation).toMatchObject({ waiting: 6, queued: 3 })

  held[0]?.response.writeHead(200).write("the body goes on")
  const response = await answers.all[0]
  await eventually(() => held.length === 7)
  expect(paths).toEqual(["/1", "/2", "/3", "/4", "/5", "/6", "/7"])
  expect(invocation).toMatchObject({ waiting: 6, queued: 2, mostWaiting: 6, mostQueued: 3 })
  held[0]?.response.end(" and ends")
  expect(await response?.text()).toBe("the body goes on and ends")
})

test("a call that fails gives its connection back", async () => {
  const invocation = new Invocation()
  const answers = await invocation.run(async () => ({ all: calls(7) }))
  ignore(answers.all)
  await eventually(() => held.length === 6)
  held[0]?.response.destroy()
  await expect(answers.all[0]).rejects.toThrow()
  await eventually(() => paths.includes("/7"))
  for (const { response } of held) response.destroy()
  await eventually(() => invocation.waiting === 0)
})

test("a call whose time is over while it queues is never made", async () => {
  const invocation = new Invocation()
  const aborter = new AbortController()
  const answers = await invocation.run(async () => {
    const first = calls(6)
    return { all: [...first, call("late", aborter.signal), call("next")] }
  })
  ignore(answers.all)
  await eventually(() => held.length === 6 && invocation.queued === 2)
  aborter.abort(new Error("too late"))
  await expect(answers.all[6]).rejects.toThrow("too late")
  held[0]?.response.writeHead(200).end()
  await eventually(() => held.length === 7)
  expect(paths.slice(6)).toEqual(["/next"])
})

test("each invocation has six of its own, wherever its calls come from; what is in none has no limit", async () => {
  const all = await Promise.all(
    [new Invocation(), new Invocation()].map((invocation) =>
      invocation.run(async () => {
        // As in a drain: later, out of a timer.
        await new Promise((resolve) => setTimeout(resolve, 1))
        return { all: calls(8) }
      }),
    ),
  )
  ignore(all.flatMap((each) => each.all))
  await eventually(() => held.length === 12)
  const free = calls(10)
  ignore(free)
  await eventually(() => held.length === 22)
})
