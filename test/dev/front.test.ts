import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { afterEach, beforeEach, expect, it } from "vitest"
import { type Front, startFront } from "../../dev/front.ts"
import { freePort } from "../../dev/port.ts"
import { isRequestId } from "../../src/core/ids.ts"
import { eventually } from "../helpers/eventually.ts"

let seen: string[]
let answer: (request: IncomingMessage, response: ServerResponse) => unknown
let front: Front
let close: () => Promise<void>

beforeEach(async () => {
  seen = []
  const worker = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers["x-queue-request-id"] ?? "-"}`)
    answer(request, response)
  }).listen(0, "127.0.0.1")
  await once(worker, "listening")
  const { port } = worker.address() as AddressInfo
  front = await startFront(await freePort(), `http://127.0.0.1:${port}`, "the-key")
  close = async () => {
    await front.close()
    worker.closeAllConnections()
    worker.close()
  }
})
afterEach(() => close())

it("passes on what is asked and what is answered", async () => {
  answer = async (request, response) => {
    const body = await text(request)
    response.writeHead(409, { "x-told": request.headers["x-asked"], "set-cookie": ["a=1", "b=2"] })
    response.end(`${request.headers.host} ${body}`)
  }
  const headers = { "x-asked": "é".normalize("NFC"), "content-type": "text/plain" }
  const got = await fetch(`${front.origin}/a%2Fb?c=d`, { method: "PATCH", headers, body: "héllo" })
  expect([got.status, got.headers.get("x-told"), got.headers.getSetCookie()]).toEqual([
    409,
    "é",
    ["a=1", "b=2"],
  ])
  expect(await got.text()).toBe(`${new URL(front.origin).host} héllo`)
  expect(seen).toEqual(["PATCH /a%2Fb?c=d -"])
})

it("passes on an answer that comes before the body was read", async () => {
  answer = (_, response) => response.writeHead(413).end("too much")
  const got = await fetch(`${front.origin}/v1/requests`, { method: "POST", body: "x".repeat(20_000_000) })
  expect([got.status, await got.text()]).toEqual([413, "too much"])
})

it("breaks off where the Worker does", async () => {
  answer = (_, response) => {
    response.write("half")
    setTimeout(() => response.destroy(), 20)
  }
  await expect(fetch(front.origin).then((got) => got.text())).rejects.toThrow()
})

it("gives no second id to who has one", async () => {
  answer = (_, response) => response.end()
  const own = "req_1m8650amf00005356tsz986"
  const headers = { "x-queue-request-id": own }
  await fetch(`${front.origin}/v1/chat/completions`, { method: "POST", headers, body: "{}" })
  expect(seen).toEqual([`POST /v1/chat/completions ${own}`])
})

async function leave(path: string, headers: Record<string, string> = {}): Promise<void> {
  const signal = AbortSignal.timeout(100)
  await expect(fetch(front.origin + path, { method: "POST", headers, body: "{}", signal })).rejects.toThrow()
}

it("cancels by the id that it gave what its caller waited for, also when that is stored a bit later", async () => {
  let looks = 0
  answer = (request, response) => {
    if (request.method !== "DELETE") return
    looks += 1
    expect(request.headers.authorization).toBe("Bearer the-key")
    response.writeHead(looks === 1 ? 404 : 200).end()
  }
  await leave("/v1/chat/completions")
  await eventually(() => looks === 2)
  const id = seen[0]?.split(" ").at(-1) ?? ""
  expect(isRequestId(id)).toBe(true)
  const cancel = `DELETE /v1/requests/${id} -`
  expect(seen).toEqual([`POST /v1/chat/completions ${id}`, cancel, cancel])
})

it("cancels nothing of who comes back, nor elsewhere, nor what was answered", async () => {
  answer = (request, response) => {
    if (request.url === "/v1/messages") response.end("whole")
  }
  await leave("/v1/chat/completions", { "Idempotency-Key": "mine" })
  await leave("/v1/requests")
  expect(await (await fetch(`${front.origin}/v1/messages`, { method: "POST", body: "{}" })).text()).toBe(
    "whole",
  )
  await eventually(() => seen.length === 3)
  expect(seen.filter((each) => each.startsWith("DELETE"))).toEqual([])
})
