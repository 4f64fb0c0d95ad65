import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { afterEach, describe, expect, test } from "vitest"
import { createNodeTransport } from "../../src/worker/node-transport.ts"
import { eventually } from "../helpers/eventually.ts"

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void

const TIMEOUT_MS = 300
let close = async () => {}
afterEach(() => close())

/** A store that answers as it is told, and the way to it. */
async function serve(answer: Answer, path = "") {
  let connections = 0
  const server = createServer(async (request, response) => answer(request, response, await text(request)))
  server.on("connection", () => {
    connections += 1
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  const transport = createNodeTransport({ url, token: "a-token" }, TIMEOUT_MS)
  return { transport, connections: () => connections }
}

describe("the way of a worker to its store", () => {
  test("one connection carries commands one after another, with the token and what the store was last known by", async () => {
    const seen: unknown[] = []
    const { transport, connections } = await serve((request, response, body) => {
      seen.push([request.url, request.headers.authorization, request.headers["upstash-sync-token"], body])
      response.setHeader("upstash-sync-token", `state ${seen.length}`).end(`{"result":"é ${seen.length}"}`)
    }, "/behind/a/proxy/")
    expect(await transport.request({ body: ["PING"] })).toEqual({ result: "é 1" })
    expect(await transport.request({ path: ["pipeline"], body: [["SET", "é"]] })).toEqual({ result: "é 2" })
    expect(seen).toEqual([
      ["/behind/a/proxy/", "Bearer a-token", "", '["PING"]'],
      ["/behind/a/proxy/pipeline", "Bearer a-token", "state 1", '[["SET","é"]]'],
    ])
    expect(connections()).toBe(1)
  })

  test("what the store says of itself is the error's message", async () => {
    const { transport } = await serve((_, response) => {
      response.writeHead(400).end('{"error":"WRONGTYPE of a key"}')
    })
    await expect(transport.request({ body: ["GET"] })).rejects.toThrow(/^WRONGTYPE of a key$/)
  })

  test.each<[string, Answer]>([
    ["no answer", () => {}],
    ["an answer that does not end", (_, response) => response.writeHead(200).write("{")],
    [
      "an answer that breaks off",
      (_, response) => response.writeHead(200).write("{", () => response.destroy()),
    ],
    ["a connection that ends", (request) => request.socket.destroy()],
    ["a switch to another protocol", (_, response) => response.writeHead(101, { Upgrade: "x" }).end()],
    ["a page", (_, response) => response.end("<html>")],
    ["a page that is an error", (_, response) => response.writeHead(502).end("<html>")],
    ["JSON that is no answer", (_, response) => response.writeHead(500).end("null")],
  ])("%s is an error in time, after which the next command goes through", async (_, answer) => {
    let isWell = false
    const { transport } = await serve((request, response, body) => {
      if (isWell) response.end('{"result":"well"}')
      else answer(request, response, body)
    })
    await expect(transport.request({ body: ["GET", "a secret"] })).rejects.toThrow(/^(?!.*secret)/)
    isWell = true
    expect(await transport.request({ body: ["PING"] })).toEqual({ result: "well" })
  })

  test("an answer before the command was read leaves no connection behind", async () => {
    const server = createServer((_, response) => response.writeHead(413).end('{"error":"TOO LARGE"}'))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const transport = createNodeTransport({ url, token: "a-token" }, 5000)
    const large = "x".repeat(20_000_000)
    for (let i = 0; i < 3; i++) await expect(transport.request({ body: [large] })).rejects.toThrow()
    await eventually(
      async () => (await new Promise<number>((resolve) => server.getConnections((_, n) => resolve(n)))) === 0,
    )
    await new Promise((resolve) => server.close(resolve))
  })
})
