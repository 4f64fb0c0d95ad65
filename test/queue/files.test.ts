import { expect, test } from "vitest"
import { newOperationId } from "../../src/core/ids.ts"
import { createFiles } from "../../src/queue/files.ts"
import type { FileStore, NewFile, StoredFile } from "../../src/queue/files-contract.ts"
import { createKeys } from "../../src/queue/keys.ts"
import { countCommands, countRoundTrips } from "../helpers/count.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const HOUR_MS = 3_600_000
const ORGANIZATION = "org-1"

describeQueue("files", ({ kind, store, loseAnswerOf }) => {
  const open = (settings = { maxFileBytesPerOrganization: 1e9 }, clock = Date.now) => {
    const queueName = `files-${newOperationId()}`
    const { url, token } = store()
    const files = createFiles({ redis: { url, token }, queueName, settings, clock, random: () => 0 })
    return { files, keys: createKeys(queueName), queueName }
  }
  const fileKeys = async (queueName: string) => (await store().redis.keys(`aiq:{${queueName}}:*`)).sort()
  const newFile = (files: FileStore, changes: Partial<NewFile> = {}): NewFile => ({
    fileId: files.newFileId(),
    ...{ organizationId: ORGANIZATION, filename: "a.jsonl", purpose: "batch" },
    lifeSeconds: 86_400,
    ...changes,
  })
  const soon = () => Date.now() + HOUR_MS
  async function write(files: FileStore, text: string, changes: Partial<NewFile> = {}): Promise<StoredFile> {
    const file = newFile(files, changes)
    return files.finish(file, await files.append(file.fileId, { chunks: 0, bytes: 0 }, text, soon()))
  }
  async function read(files: FileStore, file: StoredFile, from = 0): Promise<string> {
    const chunks: string[] = []
    for await (const chunk of files.readChunks(file, from)) chunks.push(chunk)
    return chunks.join("")
  }
  const lines = (bytes: number) => '{"text": "ünï\\u0000 🦊"}\n'.repeat(bytes / 28)

  test("a file is what was written, and belongs to its organization", async () => {
    const { files } = open()
    const text = lines(9_000_000)
    const file = await write(files, text)
    expect(file.bytes).toBe(new TextEncoder().encode(text).length)
    expect(await files.find(file.fileId, ORGANIZATION)).toEqual(file)
    expect(await files.find(file.fileId, "org-2")).toBe(null)
    expect((await read(files, file)) === text).toBe(true)
    const [{ chunks } = { chunks: 0 }] = file.segments
    expect(chunks).toBeGreaterThan(8)
    expect(text.endsWith(await read(files, file, chunks - 1))).toBe(true)
  })

  test("an empty file is one", async () => {
    const { files } = open()
    const file = await write(files, "")
    expect(await read(files, file)).toBe("")
    expect(await files.find(file.fileId, ORGANIZATION)).toMatchObject({ bytes: 0 })
  })

  test("until it is finished nothing is visible, and all of it ends soon; then all ends with it", async () => {
    const { files, keys, queueName } = open()
    const file = newFile(files)
    const until = soon()
    const written = await files.append(file.fileId, { chunks: 0, bytes: 0 }, lines(2_500_000), until)
    expect(await files.find(file.fileId, ORGANIZATION)).toBe(null)
    expect(await files.list(ORGANIZATION)).toEqual([])
    const ends = async () =>
      Promise.all((await fileKeys(queueName)).map((key) => store().redis.sendCommand(["PEXPIRETIME", key])))
    expect(new Set(await ends())).toEqual(new Set([until]))
    const { expiresAt } = await files.finish(file, written)
    const chunks = Array.from({ length: written.chunks }, (_, i) => keys.chunk(file.fileId, i))
    expect(await fileKeys(queueName)).toEqual(
      [keys.file(file.fileId), ...chunks, keys.files(ORGANIZATION)].sort(),
    )
    for (const key of [keys.file(file.fileId), ...chunks]) {
      expect(await store().redis.sendCommand(["PEXPIRETIME", key])).toBe(expiresAt)
    }
  })

  test("the same text at the same cursor writes the same chunks: whoever keeps it goes on after a crash", async () => {
    const { files } = open()
    const file = newFile(files)
    const [first, second] = [lines(1_500_000), lines(2_200_000)]
    const after = await files.append(file.fileId, { chunks: 0, bytes: 0 }, first, soon())
    // What was written after the cursor was kept, and more of it than comes again.
    await files.append(file.fileId, after, `${second}${second}`, soon())
    const end = await files.append(file.fileId, after, second, soon())
    expect((await read(files, await files.finish(file, end))) === first + second).toBe(true)
  })

  test("lost answers change nothing", async () => {
    const { files, queueName } = open()
    const file = newFile(files)
    const loseNext = () => store().bridge.faults.inject({ fault: "drop", when: "after", times: 1 })
    loseAnswerOf("reserve")
    await files.reserve(ORGANIZATION, file.fileId, 100, soon())
    loseNext()
    const written = await files.append(file.fileId, { chunks: 0, bytes: 0 }, "abc\n", soon())
    loseAnswerOf("file")
    const stored = await files.finish(file, written, { reserved: { id: file.fileId, bytes: 100 } })
    expect(await files.list(ORGANIZATION)).toHaveLength(1)
    loseNext()
    expect(await read(files, stored)).toBe("abc\n")
    loseNext()
    await files.delete(stored)
    expect(await fileKeys(queueName)).toEqual([])
  })

  test("what has lost a chunk does not become a file", async () => {
    const { files, keys } = open()
    const file = newFile(files)
    const written = await files.append(file.fileId, { chunks: 0, bytes: 0 }, lines(2_500_000), soon())
    await store().redis.del(keys.chunk(file.fileId, 1))
    await expect(files.finish(file, written)).rejects.toMatchObject({ code: "conflict" })
    expect(await files.find(file.fileId, ORGANIZATION)).toBe(null)
  })

  test("a file that is deleted while it is read says so", async () => {
    const { files } = open()
    const file = await write(files, lines(9_000_000))
    const chunks = files.readChunks(file)
    await chunks.next()
    await files.delete(file)
    const rest = async () => {
      for await (const _ of chunks);
    }
    await expect(rest()).rejects.toMatchObject({ code: "not_found" })
    expect(await files.list(ORGANIZATION)).toEqual([])
  })

  test("lists tell what there is, oldest first, and forget what has expired", async () => {
    const { files } = open()
    const names = ["a.jsonl", "with | and \n.jsonl", "データ 🦊.jsonl"]
    const written: StoredFile[] = []
    for (const [i, filename] of names.entries()) {
      written.push(
        await write(files, "x".repeat(i), { filename, purpose: i === 1 ? "batch_output" : "batch" }),
      )
    }
    await files.reserve(ORGANIZATION, files.newFileId(), 10, soon())
    await write(files, "of another", { organizationId: "org-2" })
    const summaries = written.map(({ segments: _, organizationId: __, ...summary }) => summary)
    expect(await files.list(ORGANIZATION)).toEqual(summaries)
    const { url, token } = store()
    const later = createFiles({
      redis: { url, token },
      queueName: "files-none",
      settings: { maxFileBytesPerOrganization: 1 },
      clock: () => Date.now() + 25 * HOUR_MS,
    })
    expect(await later.list(ORGANIZATION)).toEqual([])
  })

  test("an organization's files and reservations have a bound; what has expired makes room", async () => {
    let now = Date.now()
    const { files } = open({ maxFileBytesPerOrganization: 1000 }, () => now)
    const kept = await write(files, "x".repeat(600))
    const [one, two] = [files.newFileId(), files.newFileId()]
    await files.reserve(ORGANIZATION, one, 400, now + HOUR_MS)
    await expect(files.reserve(ORGANIZATION, two, 1, now + HOUR_MS)).rejects.toMatchObject({
      code: "too_large",
    })
    await files.reserve("org-2", two, 1000, now + HOUR_MS)
    await files.release(ORGANIZATION, one, 400)
    await files.reserve(ORGANIZATION, two, 400, now + HOUR_MS)
    now += HOUR_MS
    await files.reserve(ORGANIZATION, one, 400, now + HOUR_MS)
    await files.delete(kept)
    await files.reserve(ORGANIZATION, two, 600, now + HOUR_MS)
  })

  test("a file of another format is refused, not guessed at", async () => {
    const { files, keys } = open()
    const { fileId } = await write(files, "abc")
    await store().redis.set(keys.file(fileId), "2{}")
    await expect(files.find(fileId, ORGANIZATION)).rejects.toMatchObject({ code: "store_unavailable" })
  })

  test.runIf(kind === "redis")("costs 2 commands a chunk to write, one for 6 chunks to read", async () => {
    const { files } = open()
    const text = `${"x".repeat(999)}\n`.repeat(12_000)
    await write(files, "so that the scripts are known")
    const file = newFile(files)
    const reserved = { id: file.fileId, bytes: 12_000_000 }
    const run = async () => {
      await files.reserve(ORGANIZATION, file.fileId, reserved.bytes, soon())
      const writer = files.openWriter(file.fileId, 1e9, soon())
      for (let at = 0; at < text.length; at += 65_536) {
        await writer.write(new TextEncoder().encode(text.slice(at, at + 65_536)))
      }
      await files.finish(file, await writer.finish(), { reserved })
    }
    let trips = 0
    const writing = await countCommands(store().redis, async () => {
      trips = await countRoundTrips(store().bridge, run)
    })
    const stored = await files.find(file.fileId, ORGANIZATION)
    const chunks = stored?.segments[0]?.chunks ?? 0
    expect(chunks).toBe(13)
    // Reserve and finish have 4 each, and their own calls.
    expect(writing.total).toBe(2 * chunks + 10)
    expect(trips).toBe(2 + Math.ceil(chunks / 4))
    if (stored === null) throw new Error("the file is not there")
    const reading = await countCommands(store().redis, () => read(files, stored))
    expect(reading.total).toBe(Math.ceil(chunks / 6))
  })
})
