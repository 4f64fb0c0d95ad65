import OpenAI, { toFile } from "openai"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { expectConserved } from "../../helpers/conserved.ts"
import { documentedFetch } from "../../helpers/documented.ts"
import { type Served, serve } from "./served.ts"

let served: Served
let client: OpenAI
beforeAll(async () => {
  served = await serve({ MAX_FILE_BYTES: "12000000" })
  client = served.openai()
})
afterEach(() => expectConserved(served.store.redis, served.queueName))
afterAll(() => served.close())

/** Lines as batches have them, of more than a byte a character. */
function linesOf(count: number): string {
  const line = (i: number) =>
    JSON.stringify({ custom_id: `é-${i}`, body: { text: `"🦊" ${"x".repeat(200)}` } })
  return Array.from({ length: count }, (_, i) => `${line(i)}\n`).join("")
}
const upload = async (text: string | Uint8Array, name = "in.jsonl", openai = client) =>
  openai.files.create({ file: await toFile(new Blob([text]), name), purpose: "batch" })
const statusOf = (call: Promise<unknown>) =>
  call.then(
    () => 200,
    (error: unknown) => (error instanceof OpenAI.APIError ? error.status : null),
  )
/** A call past the client, with a body of its own. */
const post = (path: string, body: string | FormData | null, headers: Record<string, string> = {}) =>
  documentedFetch(`${served.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${served.key}`, ...headers },
    body,
  })
const storedKeys = () => served.store.redis.keys(`aiq:{${served.queueName}}:file:*`)

describe("files, with OpenAI's own client", () => {
  test("what was uploaded is found, listed and read, byte for byte", async () => {
    const text = linesOf(20_000)
    const file = await upload(text, "データ 🦊.jsonl")
    const bytes = new TextEncoder().encode(text).length
    expect(bytes).toBeGreaterThan(5_000_000)
    expect(file).toMatchObject({
      object: "file",
      bytes,
      purpose: "batch",
      filename: "データ 🦊.jsonl",
      status: "processed",
    })
    expect(file.id).toMatch(/^file-/)
    expect(Math.abs(file.created_at - Date.now() / 1000)).toBeLessThan(30)
    expect(file.expires_at).toBe(file.created_at + 2_592_000)
    expect(await client.files.retrieve(file.id)).toMatchObject({ ...file })
    const content = await client.files.content(file.id)
    expect((await content.text()) === text).toBe(true)
    expect(content.headers.get("content-disposition")).toContain(encodeURIComponent("データ"))
    expect((await client.files.list()).data.map(({ id }) => id)).toContain(file.id)
  })

  test("a byte order mark, an empty file, line ends and what looks like a boundary stay as they are", async () => {
    for (const text of ["\ufeff{}\r\n{}", "", "\r\n------\r\n\r\n--", "\u0000\u001f\u2028"]) {
      const { id, bytes } = await upload(text)
      const content = await (await client.files.content(id)).arrayBuffer()
      expect([...new Uint8Array(content)]).toEqual([...new TextEncoder().encode(text)])
      expect(bytes).toBe(content.byteLength)
    }
  })

  test("it expires when the caller says", async () => {
    const file = await client.files.create({
      file: await toFile(new Blob(["{}"]), "a.jsonl"),
      purpose: "batch",
      expires_after: { anchor: "created_at", seconds: 3600 },
    })
    expect(file.expires_at).toBe(file.created_at + 3600)
    const ttl = await served.store.redis.ttl(`aiq:{${served.queueName}}:file:${file.id}:0`)
    expect(ttl).toBeGreaterThan(3500)
    expect(ttl).toBeLessThanOrEqual(3600)
  })

  test("a list goes page by page in both orders, and only through one's own", async () => {
    const [mine, other] = [served.openai("org-pages"), served.openai("org-other")]
    const ids: string[] = []
    for (let i = 0; i < 5; i++) ids.push((await upload(`${i}`, `${i}.jsonl`, mine)).id)
    const theirs = await upload("x", "x.jsonl", other)
    const page = await mine.files.list({ limit: 2 })
    expect(page.data.map(({ id }) => id)).toEqual([ids[4], ids[3]])
    expect(page.has_more).toBe(true)
    const all: string[] = []
    for await (const { id } of page) all.push(id)
    expect(all).toEqual([...ids].reverse())
    const ascending: string[] = []
    for await (const { id } of mine.files.list({ limit: 3, order: "asc" })) ascending.push(id)
    expect(ascending).toEqual(ids)
    expect((await mine.files.list({ purpose: "batch_output" })).data).toEqual([])
    const raw = await documentedFetch(`${served.url}/v1/files?limit=1&after=${ids[1]}`, {
      headers: { authorization: `Bearer ${served.key}`, "openai-organization": "org-pages" },
    })
    expect(await raw.json()).toMatchObject({
      object: "list",
      first_id: ids[0],
      last_id: ids[0],
      has_more: false,
    })
    expect(await statusOf(mine.files.retrieve(theirs.id))).toBe(404)
    expect(await statusOf(mine.files.content(theirs.id))).toBe(404)
    expect(await statusOf(mine.files.delete(theirs.id))).toBe(404)
    expect(await statusOf(mine.files.retrieve("file-none"))).toBe(404)
  })

  test("what looks like a head within a file is none", async () => {
    const [mine, other] = [served.openai("org-mine"), served.openai("org-other")]
    const victim = await upload("secret", "in.jsonl", other)
    const segments = [{ id: victim.id, from: 0, chunks: 1 }]
    const forged = await upload(
      `1${JSON.stringify({ ...victim, organizationId: "org-mine", segments })}`,
      "a",
      mine,
    )
    expect(await statusOf(mine.files.content(`${forged.id}:0`))).toBe(404)
    expect(await statusOf(mine.files.retrieve(`${forged.id}:0`))).toBe(404)
    expect(await statusOf(mine.files.delete(`${forged.id}:0`))).toBe(404)
  })

  test("what is deleted is gone, with its chunks", async () => {
    const { id } = await upload(linesOf(5000))
    expect(await client.files.delete(id)).toEqual({ id, object: "file", deleted: true })
    expect(await statusOf(client.files.retrieve(id))).toBe(404)
    expect(await statusOf(client.files.delete(id))).toBe(404)
    expect((await storedKeys()).filter((key) => key.includes(id))).toEqual([])
  })

  test("what is wrong with a form is told, and leaves nothing behind", async () => {
    const before = (await storedKeys()).length
    const form = (fields: Record<string, string | Blob>) => {
      const data = new FormData()
      for (const [name, value] of Object.entries(fields)) data.append(name, value)
      return data
    }
    const file = new Blob(["{}"])
    const bad: [Record<string, string | Blob>, string][] = [
      [{ file, purpose: "fine-tune" }, "purpose"],
      [{ file }, "purpose"],
      [{ purpose: "batch" }, "file"],
      [{ purpose: "batch", file: "text" }, "file"],
      [{ purpose: file, file }, "purpose"],
      [{ file, purpose: "batch", model: "x" }, "model"],
      [{ file, purpose: "batch", "expires_after[anchor]": "created_at" }, "expires_after"],
      [
        { file, purpose: "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "60" },
        "expires_after",
      ],
      [{ file: new Blob([Uint8Array.from([0x7b, 0xff])]), purpose: "batch" }, "file"],
      [{ file: new Blob([Uint8Array.from([0x7b, 0xe2, 0x82])]), purpose: "batch" }, "file"],
    ]
    for (const [fields, name] of bad) {
      const answer = await post("/v1/files", form(fields))
      expect([name, answer.status]).toEqual([name, 400])
      const { error } = (await answer.json()) as { error: { param: string; message: string } }
      expect(error.param.split(".")[0]).toBe(name)
      expect(error.message).toContain(name)
    }
    expect((await post("/v1/files", "{}", { "content-type": "application/json" })).status).toBe(415)
    expect(
      (await post("/v1/files", "--x", { "content-type": "multipart/form-data; boundary=x" })).status,
    ).toBe(400)
    expect(await statusOf(upload("x".repeat(12_000_001)))).toBe(413)
    await expect.poll(async () => (await storedKeys()).length).toBe(before)
  })
})
