import { createHash } from "node:crypto"
import OpenAI, { toFile } from "openai"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { findRedisServer } from "../../../dev/store-redis.ts"
import { expectConserved } from "../../helpers/conserved.ts"
import { countCommands } from "../../helpers/count.ts"
import { documentedFetch } from "../../helpers/documented.ts"
import { eventually } from "../../helpers/eventually.ts"
import { type Served, serve } from "./served.ts"

let served: Served
let client: OpenAI
beforeAll(async () => {
  served = await serve()
  client = served.openai()
})
afterEach(() => expectConserved(served.store.redis, served.queueName))
afterAll(() => served.close())

const encoder = new TextEncoder()
/** Two parts of it cannot but be cut inside a character here and there. */
const TEXT = `${JSON.stringify({ custom_id: "é", body: "日本語 🦊 ".repeat(100) })}\n`.repeat(2000)
const BYTES = encoder.encode(TEXT)
/** For what is refused unread: a longer body would still be under way, and the connection be closed. */
const SMALL = encoder.encode("small")

const begin = (bytes: number, openai = client, changes: Partial<OpenAI.UploadCreateParams> = {}) =>
  openai.uploads.create({
    ...{ bytes, filename: "in.jsonl", mime_type: "application/jsonl", purpose: "batch" },
    ...changes,
  })
const sendPart = async (uploadId: string, bytes: Uint8Array<ArrayBuffer>) =>
  client.uploads.parts.create(uploadId, { data: await toFile(new Blob([bytes]), "part") })
async function refusal(call: Promise<unknown>): Promise<{ status: unknown; text: string }> {
  const error = await call.catch((thrown: unknown) => thrown)
  if (!(error instanceof OpenAI.APIError)) throw new Error("it was not refused")
  return { status: error.status, text: JSON.stringify(error.error ?? error.message) }
}
/** What a call returns, and the commands that it cost. */
async function counted<T>(call: () => Promise<T>): Promise<[T, number]> {
  const results: T[] = []
  const { total } = await countCommands(served.store.redis, async () => results.push(await call()))
  const [result] = results
  if (result === undefined) throw new Error("the call returned nothing")
  return [result, total]
}
const storedKeys = () => served.store.redis.keys(`aiq:{${served.queueName}}:file:*`)
/** Cuts at these places, and sends the parts at the same time. */
async function sendParts(uploadId: string, bytes: Uint8Array<ArrayBuffer>, cuts: number[]) {
  const ends = [...cuts, bytes.length]
  return Promise.all(ends.map((end, i) => sendPart(uploadId, bytes.subarray(cuts[i - 1] ?? 0, end))))
}

describe("uploads, with OpenAI's own client", () => {
  test("parts become a file, cut wherever they were, checked by their MD5", async () => {
    const upload = await begin(BYTES.length, client, {
      expires_after: { anchor: "created_at", seconds: 7200 },
    })
    expect(upload).toMatchObject({ object: "upload", status: "pending", bytes: BYTES.length, file: null })
    expect(upload.expires_at).toBe(upload.created_at + 3600)
    const parts = await sendParts(upload.id, BYTES, [1_000_001, 1_000_002, 1_000_003, 1_000_004, 2_222_222])
    expect(parts[0]).toMatchObject({ object: "upload.part", upload_id: upload.id })
    const partIds = parts.map(({ id }) => id)
    const md5 = createHash("md5").update(BYTES).digest("hex")
    const completed = await client.uploads.complete(upload.id, { part_ids: partIds, md5 })
    expect(completed).toMatchObject({
      ...upload,
      status: "completed",
      file: { object: "file", bytes: BYTES.length },
    })
    const file = completed.file
    if (!file) throw new Error("there is no file")
    expect(file.expires_at).toBe(file.created_at + 7200)
    expect((await (await client.files.content(file.id)).text()) === TEXT).toBe(true)
    expect(await client.files.retrieve(file.id)).toEqual(file)
    // Whoever lost the answer asks again.
    expect(await client.uploads.complete(upload.id, { part_ids: partIds, md5 })).toEqual(completed)
    expect(await refusal(client.uploads.cancel(upload.id))).toMatchObject({ status: 409 })
    expect(await refusal(sendPart(upload.id, SMALL))).toMatchObject({ status: 409 })
    expect((await refusal(client.uploads.complete(upload.id, { part_ids: partIds.slice(1) }))).status).toBe(
      409,
    )
    await client.files.delete(file.id)
    expect(await storedKeys()).toEqual([])
  })

  test("takes no more parts than it needs, also when they all come at the same time", async () => {
    const before = (await storedKeys()).length
    const upload = await begin(SMALL.length)
    const sent = await Promise.allSettled(Array.from({ length: 12 }, () => sendPart(upload.id, SMALL)))
    expect(sent.filter(({ status }) => status === "fulfilled").length).toBeLessThanOrEqual(3)
    await eventually(async () => expect((await storedKeys()).length - before).toBeLessThanOrEqual(3))
  })

  test.runIf(findRedisServer() !== null)("costs a few commands beside those of its chunks", async () => {
    const { redis } = served.store
    const [upload, creating] = await counted(() => begin(BYTES.length))
    expect(creating).toBe(7)
    const parts: OpenAI.Uploads.UploadPart[] = []
    const sending = await countCommands(redis, async () => {
      const line = BYTES.indexOf(0x0a, BYTES.length / 2) + 1
      for (const half of [BYTES.subarray(0, line), BYTES.subarray(line)]) {
        parts.push(await sendPart(upload.id, half))
      }
    })
    const chunks = (await storedKeys()).filter((key) => parts.some(({ id }) => key.includes(id))).length
    expect(sending.total).toBe(2 * 4 + chunks)
    const part_ids = parts.map(({ id }) => id)
    const [, completing] = await counted(() => client.uploads.complete(upload.id, { part_ids }))
    expect(completing).toBe(10 + chunks)
  })

  test("characters may be cut into single bytes, over empty parts too", async () => {
    const bytes = encoder.encode("🦊é\n")
    const upload = await begin(bytes.length)
    const parts = []
    for (let i = 0; i < bytes.length; i++) {
      parts.push(
        await sendPart(upload.id, bytes.subarray(i, i + 1)),
        await sendPart(upload.id, new Uint8Array()),
      )
    }
    const { file } = await client.uploads.complete(upload.id, { part_ids: parts.map(({ id }) => id) })
    expect(await (await client.files.content(file?.id ?? "")).text()).toBe("🦊é\n")
  })

  test("the order is the caller's, and parts that are not named are left out", async () => {
    const upload = await begin(6)
    const [b, , a] = [
      await sendPart(upload.id, encoder.encode("bbb")),
      await sendPart(upload.id, encoder.encode("xxx")),
      await sendPart(upload.id, encoder.encode("aaa")),
    ]
    const { file } = await client.uploads.complete(upload.id, { part_ids: [a.id, b.id] })
    expect(await (await client.files.content(file?.id ?? "")).text()).toBe("aaabbb")
  })

  test("what does not make up the upload is refused, and can be made good", async () => {
    const text = encoder.encode("äö")
    const upload = await begin(4)
    const [one, two] = await sendParts(upload.id, text, [1])
    if (one === undefined || two === undefined) throw new Error("there are no parts")
    const complete = (part_ids: string[], md5?: string) =>
      refusal(client.uploads.complete(upload.id, { part_ids, ...(md5 === undefined ? {} : { md5 }) }))
    expect((await complete([one.id])).text).toContain("makes up 1 bytes")
    expect((await complete([one.id, "part_none"])).text).toContain("is no part")
    expect((await complete([one.id, one.id])).text).toContain("more than once")
    expect((await complete([two.id, one.id])).text).toContain("UTF-8")
    expect((await complete([one.id, two.id], "0".repeat(32))).text).toContain("is not that of the parts")
    expect((await complete([one.id, two.id], "nonsense")).text).toContain("MD5")
    const md5 = createHash("md5").update(text).digest("hex").toUpperCase()
    expect((await client.uploads.complete(upload.id, { part_ids: [one.id, two.id], md5 })).status).toBe(
      "completed",
    )
  })

  test("a cancelled upload takes nothing more, and its parts go", async () => {
    const before = (await storedKeys()).length
    const upload = await begin(BYTES.length)
    const part = await sendPart(upload.id, BYTES)
    expect(await client.uploads.cancel(upload.id)).toMatchObject({
      id: upload.id,
      status: "cancelled",
      file: null,
    })
    expect(await client.uploads.cancel(upload.id)).toMatchObject({ status: "cancelled" })
    expect(await refusal(sendPart(upload.id, SMALL))).toMatchObject({ status: 409 })
    expect((await refusal(client.uploads.complete(upload.id, { part_ids: [part.id] }))).status).toBe(409)
    await eventually(async () => (await storedKeys()).length === before)
  })

  test("an upload belongs to its organization, and asks for what OpenAI asks for", async () => {
    const other = await begin(1, served.openai("org-other"))
    for (const id of [other.id, "upload_none"]) {
      // Where nobody reads a body that is still under way, workerd may close the connection.
      await eventually(async () => expect(await refusal(sendPart(id, SMALL))).toMatchObject({ status: 404 }))
      expect(await refusal(client.uploads.complete(id, { part_ids: ["part_x"] }))).toMatchObject({
        status: 404,
      })
      expect(await refusal(client.uploads.cancel(id))).toMatchObject({ status: 404 })
    }
    expect((await refusal(begin(3_000_000_000))).text).toContain("bytes")
    expect((await refusal(begin(1, client, { purpose: "vision" }))).text).toContain("purpose")
    const upload = await begin(3)
    expect(await refusal(sendPart(upload.id, encoder.encode("four")))).toMatchObject({ status: 413 })
    const answer = await documentedFetch(`${served.url}/v1/uploads/${upload.id}/parts`, {
      method: "POST",
      headers: { authorization: `Bearer ${served.key}` },
      body: new FormData(),
    })
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining("data")])
  })

  test("after its hour an upload is over", async () => {
    const upload = await begin(3)
    const part = await sendPart(upload.id, encoder.encode("abc"))
    const key = `aiq:{${served.queueName}}:upload:${upload.id}`
    const stored = String(await served.store.redis.hGet(key, "upload"))
    const { expiresAt } = JSON.parse(stored.slice(1))
    await served.store.redis.hSet(key, "upload", stored.replace(String(expiresAt), String(Date.now())))
    expect((await refusal(client.uploads.complete(upload.id, { part_ids: [part.id] }))).text).toContain(
      "expired",
    )
    expect((await refusal(sendPart(upload.id, encoder.encode("abc")))).text).toContain("expired")
    expect((await refusal(client.uploads.cancel(upload.id))).text).toContain("expired")
  })
})
