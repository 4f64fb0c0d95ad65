import { connect } from "node:net"
import { ADMIN_KEY } from "./worker.ts"

/** What the caller does once everything is written. */
type Leaving = "waits" | "says no more" | "breaks the connection"

const PATIENCE_MS = 3000
const AFTER_WRITING_MS = 100

/**
 * Writes these bytes to the port as they are, and reads what comes back until the connection ends, an answer is whole or
 * 3 s have passed. `statuses`: of all answers, in order; none: the connection just ended.
 */
export function sendRaw(
  port: number,
  bytes: string | Uint8Array,
  leaving: Leaving = "waits",
): Promise<{ statuses: number[]; text: string }> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true })
    let text = ""
    const end = () => {
      clearTimeout(patience)
      socket.destroy()
      const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status))
      resolve({ statuses, text })
    }
    const patience = setTimeout(end, PATIENCE_MS)
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1")
      if (isWhole(text)) end()
    })
    socket.on("error", end)
    socket.on("end", end)
    socket.on("close", end)
    socket.write(bytes, () => {
      if (leaving === "says no more") socket.end()
      if (leaving === "breaks the connection") setTimeout(() => socket.resetAndDestroy(), AFTER_WRITING_MS)
    })
  })
}

/** Head and body of the first answer are there; a 100 Continue is none. */
function isWhole(text: string): boolean {
  const answer = text.replace(/^HTTP\/1\.1 1\d\d [^\r]*\r\n\r\n/, "")
  const bodyAt = answer.indexOf("\r\n\r\n") + 4
  const length = /^content-length: *(\d+)/im.exec(answer.slice(0, bodyAt))?.[1]
  return bodyAt > 3 && length !== undefined && answer.length >= bodyAt + Number(length)
}

export interface RawRequest {
  method?: string
  target?: string
  /** Whole lines; beside them Host, Authorization and the type of JSON are sent, each unless one begins with its name. */
  headers?: string[]
  body?: string
}

export function raw({
  method = "POST",
  target = "/v1/requests",
  headers = [],
  body = "",
}: RawRequest): Buffer {
  const usual = ["Host: queue.test", `Authorization: Bearer ${ADMIN_KEY}`, "Content-Type: application/json"]
  const given = headers.map((line) => line.split(":")[0]?.toLowerCase())
  const own = usual.filter((line) => !given.includes(line.split(":")[0]?.toLowerCase()))
  const needsLength = !given.some((name) => name === "content-length" || name === "transfer-encoding")
  const length = needsLength ? [`Content-Length: ${Buffer.byteLength(body)}`] : []
  const head = [`${method} ${target} HTTP/1.1`, ...own, ...headers, ...length].join("\r\n")
  return Buffer.from(`${head}\r\n\r\n${body}`, "latin1")
}
