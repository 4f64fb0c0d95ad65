import { once } from "node:events"
import { createServer, request, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, expect, it } from "vitest"
import { BodyWriter } from "../../dev/simulator/body-writer.ts"

const MEGABYTE = Buffer.alloc(1024 * 1024, "x")
let onResponse: (response: ServerResponse) => void
const server = createServer((_, response) => onResponse(response))

beforeAll(async () => {
  await once(server.listen(0, "127.0.0.1"), "listening")
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

it("waits for a client that does not read, and gives up when it leaves", async () => {
  const arrived = new Promise<ServerResponse>((resolve) => {
    onResponse = resolve
  })
  const outgoing = request({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" })
  outgoing.on("error", () => {})
  // With a listener the response is left unread; without one it would be read and dropped.
  outgoing.on("response", (incoming) => incoming.on("error", () => {}))
  outgoing.end()
  const response = await arrived
  const left = new AbortController()
  response.once("close", () => left.abort())
  const writer = new BodyWriter(response, {}, left.signal)

  let written = 0
  const writing = (async () => {
    for (; written < 100; written++) await writer.write(MEGABYTE)
  })()
  const outcome = writing.then(
    () => "all written",
    () => "gave up",
  )
  // As much as the kernel keeps for a loopback connection, which is far from a hundred megabytes.
  await expect.poll(() => written).toBeGreaterThan(0)
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(written).toBeLessThan(50)
  outgoing.destroy()
  expect(await outcome).toBe("gave up")
  await expect(writer.write("more")).rejects.toThrow()
})
