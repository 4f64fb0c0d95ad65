import { createHash } from "node:crypto"
import { once } from "node:events"
import { type IncomingMessage, request } from "node:http"
import { setImmediate as turn } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { checkDocumented } from "../helpers/documented.ts"
import { eventually } from "../helpers/eventually.ts"
import { peakBytes, residentBytes } from "../helpers/processes.ts"
import { type Served, serve } from "../http/openai/served.ts"
import { effort } from "./effort.ts"
import { recordFault } from "./tally.ts"

const MB = 1_000_000
const FILE_BYTES = effort(20 * MB, 200 * MB)
/** V8 collects late where it has much room; at Cloudflare an isolate ends at 128 MB, for everything. */
const [MAX_HEAP_MB, MAX_GROWTH_BYTES] = [64, 100 * MB]
const HOUR_SECONDS = 3600
const BOUNDARY = "a-boundary"
const HEAD = Buffer.from(
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n` +
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="large.jsonl"\r\n\r\n`,
)
const TAIL = Buffer.from(`\r\n--${BOUNDARY}--\r\n`)

/** Lines of a batch, of about 1 kB, until there are so many bytes. */
function* linesOf(bytes: number): Generator<Buffer> {
  for (let made = 0, i = 0; made < bytes; ) {
    const body = { model: "gpt-5", messages: [{ role: "user", content: `„${i}“ ${"word ".repeat(180)}` }] }
    const lines: string[] = []
    for (let in64 = 0; in64 < 64; in64++, i++)
      lines.push(JSON.stringify({ custom_id: `line-${i}`, method: "POST", body }))
    const block = Buffer.from(`${lines.join("\n")}\n`)
    made += block.length
    yield block
  }
}

let served: Served
beforeAll(async () => {
  served = await serve({}, { maxHeapMb: MAX_HEAP_MB })
})
afterAll(() => served.close())

const UPLOAD = { method: "POST", path: "/v1/files" }
const send = () =>
  request(served.url + UPLOAD.path, {
    method: UPLOAD.method,
    headers: {
      authorization: `Bearer ${served.key}`,
      "content-type": `multipart/form-data; boundary=${BOUNDARY}`,
    },
  })

/** Sends no faster than it is taken. */
async function write(sender: ReturnType<typeof send>, bytes: Buffer): Promise<void> {
  if (sender.write(bytes)) return turn()
  return new Promise((resolve) => sender.once("drain", resolve))
}

async function upload(bytes: number): Promise<{ id: string; sha256: string }> {
  const sender = send()
  const answering = once(sender, "response") as Promise<[IncomingMessage]>
  const digest = createHash("sha256")
  await write(sender, HEAD)
  for (const block of linesOf(bytes)) {
    digest.update(block)
    await write(sender, block)
  }
  sender.end(TAIL)
  const [answer] = await answering
  const [status = 0, text] = [answer.statusCode, (await answer.toArray()).join("")]
  checkDocumented(UPLOAD, { status, headers: new Headers(answer.headers as Record<string, string>), text })
  if (status !== 200) throw new Error(`refused: ${status} ${text}`)
  return { id: JSON.parse(text).id, sha256: digest.digest("hex") }
}

async function download(id: string): Promise<string> {
  const content = await served.openai().files.content(id)
  const digest = createHash("sha256")
  for await (const piece of content.body ?? []) digest.update(piece)
  return digest.digest("hex")
}

const chunkKeys = () => served.store.redis.keys(`aiq:{${served.queueName}}:file:*:*`)

describe("large files in workerd", () => {
  test(
    "are taken in and given out in the memory of one isolate, byte for byte",
    async () => {
      const small = await upload(2 * MB)
      await download(small.id)
      const before = residentBytes(served.pid)
      const { id, sha256 } = await upload(FILE_BYTES)
      const taken = peakBytes(served.pid) - before
      expect(await download(id)).toBe(sha256)
      const given = peakBytes(served.pid) - before
      expect(Math.max(taken, given)).toBeLessThan(MAX_GROWTH_BYTES)
      const mb = (bytes: number) => Math.round(bytes / MB)
      recordFault({
        ...{ table: "input", fault: `a file of ${mb(FILE_BYTES)} MB, taken in and given out`, tried: 1 },
        seen: `the same bytes; ${mb(taken)} MB of memory to take it in, ${mb(given)} MB at most`,
      })
      await served.openai().files.delete(id)
    },
    effort(60_000, 300_000),
  )

  test("that break off are not there, and what came of them goes", async () => {
    const { data: known } = await served.openai().files.list()
    const [keysBefore, tries] = [(await chunkKeys()).length, effort(3, 10)]
    for (let tried = 0; tried < tries; tried++) {
      const sender = send()
      sender.on("error", () => undefined)
      await write(sender, HEAD)
      for (const block of linesOf((5 + tried) * MB)) await write(sender, block)
      await eventually(async () => (await chunkKeys()).length > keysBefore)
      sender.destroy()
      await eventually(async () => (await chunkKeys()).length === keysBefore)
    }
    expect((await served.openai().files.list()).data).toEqual(known)
    recordFault({
      ...{ table: "input", fault: "the sender of a file vanishes in the middle", tried: tries },
      seen: "no file, and its chunks are taken away",
    })
  })

  test("that a killed Worker was taking in are not there, and end within the hour", async () => {
    const sender = send()
    sender.on("error", () => undefined)
    const before = (await chunkKeys()).length
    await write(sender, HEAD)
    for (const block of linesOf(6 * MB)) await write(sender, block)
    await eventually(async () => (await chunkKeys()).length > before)
    process.kill(served.pid, "SIGKILL")
    const left = await chunkKeys()
    expect(left.length).toBeGreaterThan(before)
    const newest = left.sort().slice(before)
    for (const key of newest) {
      const ttl = await served.store.redis.ttl(key)
      expect(ttl).toBeGreaterThan(0)
      expect(ttl).toBeLessThanOrEqual(HOUR_SECONDS)
    }
    const [, fileId = ""] = /:(file-[^:]+):/.exec(newest[0] ?? "") ?? []
    expect(await served.store.redis.exists(`aiq:{${served.queueName}}:file:${fileId}`)).toBe(0)
    recordFault({
      ...{ table: "processes", fault: "SIGKILL of workerd while it takes a file in", tried: 1 },
      seen: "no file; its chunks end within the hour",
    })
  })
})
