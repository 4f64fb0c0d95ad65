import fc from "fast-check"
import { Hono } from "hono/tiny"
import { expect, test } from "vitest"
import { AppError } from "../../../src/core/errors.ts"
import type { AppContext, AppEnv } from "../../../src/http/context.ts"
import { readForm } from "../../../src/http/openai/multipart.ts"

const BOUNDARY = "--Xy-Z"
const TYPE = `multipart/form-data; boundary=${BOUNDARY}`

/** Fields as texts, files as their name and bytes as texts of one character each. */
type Read = [name: string, value: string][]

function streamOf(bytes: Uint8Array, cuts: number[]): ReadableStream<Uint8Array> {
  const at = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  )
  const pieces = at.slice(0, -1).map((from, i) => bytes.subarray(from, at[i + 1]))
  return new ReadableStream({
    pull(controller) {
      const piece = pieces.shift()
      if (piece === undefined) controller.close()
      else controller.enqueue(piece)
    },
  })
}

async function readAll(body: ReadableStream<Uint8Array>, type = TYPE): Promise<Read> {
  let read: Read = []
  let failure: unknown
  const app = new Hono<AppEnv>()
  app.post("/", async (c: AppContext) => {
    try {
      read = await collect(c)
    } catch (error) {
      failure = error
    }
    return c.body(null)
  })
  const request = { method: "POST", body, duplex: "half", headers: { "content-type": type } }
  await app.request("/", request as RequestInit)
  if (failure !== undefined) throw failure
  return read
}

async function collect(c: AppContext): Promise<Read> {
  const read: Read = []
  for await (const event of readForm(c)) {
    if (event.kind === "field") read.push([event.name, event.value])
    if (event.kind === "file") read.push([`${event.name}=${event.filename}`, ""])
    const last = read.at(-1)
    if (event.kind === "bytes" && last !== undefined) last[1] += String.fromCharCode(...event.bytes)
  }
  return read
}

const latin = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0))
const bytesOf = (text: string) => new TextEncoder().encode(text)
const field = (name: string, value: string) =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
const file = (disposition: string, content: string) =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; ${disposition}\r\nContent-Type: application/octet-stream\r\n\r\n${content}\r\n`
const END = `--${BOUNDARY}--`

test("any content comes out as it went in, wherever the stream was cut", async () => {
  // What a boundary is made of, so that contents look like beginnings of it.
  const content = fc.array(
    fc.constantFrom("\r", "\n", "-", "--", "X", "y", `\r\n--${BOUNDARY.slice(0, 4)}`, "ÿ", "\0"),
    {
      maxLength: 30,
    },
  )
  const isFree = (text: string) => !`\r\n${text}\r\n`.includes(`\r\n--${BOUNDARY}`)
  await fc.assert(
    fc.asyncProperty(
      fc.array(content.map((parts) => parts.join("")).filter(isFree), { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(), { maxLength: 40 }),
      fc.constantFrom("", "\r\n", "\r\nan epilogue"),
      fc.constantFrom("", "a preamble\r\n"),
      async (contents, cuts, epilogue, preamble) => {
        const parts = contents.map((each, i) => file(`name="f${i}"; filename="n${i}"`, each))
        const body = latin(preamble + parts.join("") + END + epilogue)
        const wanted = contents.map((each, i) => [`f${i}=n${i}`, each])
        expect(await readAll(streamOf(body, cuts))).toEqual(wanted)
      },
    ),
    { numRuns: 300 },
  )
})

test("a form that is cut anywhere before its end is refused", async () => {
  const body = bytesOf(field("purpose", "batch") + file('name="file"; filename="a"', "x") + END)
  for (let length = 0; length < body.length; length++) {
    const cut = readAll(streamOf(body.subarray(0, length), []))
    await expect(cut).rejects.toMatchObject({ code: "invalid_request" })
  }
})

test.each([
  ['name="file"; filename="データ 🦊 é.jsonl"', "file=データ 🦊 é.jsonl"],
  ['name="file"; filename="with %22quotes%22, 100%.jsonl"', 'file=with "quotes", 100%.jsonl'],
  ['name="file"; filename="a \\"b\\" c"', 'file=a "b" c'],
  ["name=file; filename=plain.jsonl", "file=plain.jsonl"],
  ['name="file"; filename="x"; filename*=UTF-8\'\'d%C3%A9.jsonl', "file=dé.jsonl"],
  ['name="file"; filename="x"; filename*=UTF-8\'\'%', "file=x"],
  ['filename="name=z"; name="file"', "file=name=z"],
])("the disposition %s", async (disposition, name) => {
  expect(await readAll(streamOf(bytesOf(file(disposition, "") + END), []))).toEqual([[name, ""]])
})

test.each([["application/json"], ["multipart/form-data"], ["multipart/mixed; boundary=x"]])(
  "the type %s is refused",
  async (type) => {
    await expect(readAll(streamOf(bytesOf("{}"), []), type)).rejects.toMatchObject({
      code: "unsupported_media_type",
    })
  },
)

test("what has no end is bounded: headers, fields and parts", async () => {
  const long = "x".repeat(10_000)
  for (const body of [file(`name="${long}"`, ""), field("a", long), field("a", "b").repeat(21)]) {
    const error = await readAll(streamOf(bytesOf(body + END), [])).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AppError)
  }
})

test("what the platform's own forms send is read", async () => {
  const form = new FormData()
  form.set("purpose", "batch")
  form.set("expires_after[seconds]", "3600")
  form.set("file", new File(["a\r\nb\n"], '日本 "x".jsonl'))
  const request = new Request("http://form.test", { method: "POST", body: form })
  if (request.body === null) throw new Error("there is no body")
  expect(await readAll(request.body, request.headers.get("content-type") ?? "")).toEqual([
    ["purpose", "batch"],
    ["expires_after[seconds]", "3600"],
    ['file=日本 "x".jsonl', "a\r\nb\n"],
  ])
})

test("no more is read than is taken", async () => {
  let pulled = 0
  const head = bytesOf(file('name="file"; filename="a"', "").slice(0, -2))
  const endless = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        controller.enqueue(pulled++ === 0 ? head : new Uint8Array(65_536))
      },
    },
    { highWaterMark: 0 },
  )
  const app = new Hono<AppEnv>()
  app.post("/", async (c: AppContext) => {
    let events = 0
    for await (const _ of readForm(c)) if (++events === 6) break
    return c.body(null)
  })
  const request = { method: "POST", body: endless, duplex: "half", headers: { "content-type": TYPE } }
  await app.request("/", request as RequestInit)
  expect(pulled).toBeLessThanOrEqual(8)
})
