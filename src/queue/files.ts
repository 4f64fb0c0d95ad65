import { type Clock, type Random, systemClock } from "../core/clock.ts"
import type { Config } from "../core/config.ts"
import { AppError } from "../core/errors.ts"
import { createIdGenerator, idTime, isId } from "../core/ids.ts"
import { chunksOf, cutChunk } from "./file-chunks.ts"
import { createWriter, WRITE_CHUNKS } from "./file-writer.ts"
import type {
  FileCursor,
  FilePurpose,
  FileSegment,
  FileStore,
  FileSummary,
  StoredFile,
} from "./files-contract.ts"
import { unreadable } from "./formats.ts"
import { createKeys } from "./keys.ts"
import { type Command, Store, type StoreAddress } from "./store.ts"

const VERSION = "1"
const FILE_PREFIX = "file-"
const DAY_MS = 86_400_000
/** Longer than any file lives. */
const INDEX_MS = 31 * DAY_MS
/** So that an index is read in one piece. */
const MAX_FILES = 10_000
/** Chunks that are read together: a file of 200 MB takes some 40 round trips, where a free Worker has 50. */
const READ_CHUNKS = 6

export interface FilesOptions {
  redis: StoreAddress
  queueName: string
  settings: Pick<Config, "maxFileBytesPerOrganization">
  clock?: Clock
  random?: Random
}

/** `files-contract.ts` says what each method does and costs. */
export function createFiles(options: FilesOptions): FileStore {
  const { redis, queueName, settings, clock = systemClock, random = Math.random } = options
  const store = new Store({ ...redis, queueName, random })
  const keys = createKeys(queueName)

  async function put(id: string, number: number, chunks: string[], until: number): Promise<void> {
    const commands = chunks.map(
      (chunk, i): Command => ["SET", keys.chunk(id, number + i), chunk, "PXAT", until],
    )
    if (commands.length > 0) await store.query("writeFile", commands)
  }

  async function remove(segments: FileSegment[]): Promise<void> {
    const chunks = keysOf(segments)
    if (chunks.length > 0) await store.query("removeChunks", [["UNLINK", ...chunks]])
  }

  const keysOf = (segments: FileSegment[]) =>
    chunksOf(segments).map(({ id, number }) => keys.chunk(id, number))

  return {
    newFileId: createIdGenerator(clock, undefined, FILE_PREFIX),
    reserve: async (organizationId, id, bytes, until) => {
      const most = settings.maxFileBytesPerOrganization
      const args = [clock(), until, reservation(id, bytes), bytes, most, MAX_FILES, INDEX_MS]
      const [hasRoom] = await store.run<[number]>("reserveFile", [
        { name: "reserve", keys: [keys.files(organizationId)], args },
      ])
      if (hasRoom === 1) return
      const message = `The organization may keep ${MAX_FILES} files of ${most} bytes in all: delete some.`
      throw new AppError("too_large", message)
    },
    release: async (organizationId, id, bytes) => {
      await store.query("releaseFile", [["ZREM", keys.files(organizationId), reservation(id, bytes)]])
    },
    openWriter: (id, maxBytes, until) =>
      createWriter({
        maxBytes,
        put: (number, chunks) => put(id, number, chunks, until),
        remove: (chunks) => remove([{ id, from: 0, chunks }]),
      }),
    append: async (id, cursor, text, until): Promise<FileCursor> => {
      let { chunks } = cursor
      let left = text
      while (left !== "") {
        const group: string[] = []
        while (left !== "" && group.length < WRITE_CHUNKS) {
          const { chunk, rest } = cutChunk(left)
          group.push(chunk)
          left = rest
        }
        await put(id, chunks, group, until)
        chunks += group.length
      }
      return { chunks, bytes: cursor.bytes + new TextEncoder().encode(text).length }
    },
    finish: async ({ lifeSeconds, ...file }, { chunks, bytes }, { segments, reserved } = {}) => {
      const createdAt = idTime(file.fileId, FILE_PREFIX)
      const stored: StoredFile = {
        ...file,
        ...{ bytes, createdAt, expiresAt: createdAt + lifeSeconds * 1000 },
        segments: segments ?? [{ id: file.fileId, from: 0, chunks }],
      }
      const [isWhole] = await store.run<[number]>("finishFile", [
        {
          name: "file",
          keys: [keys.file(file.fileId), keys.files(file.organizationId), ...keysOf(stored.segments)],
          args: [
            ...[stored.expiresAt, VERSION + JSON.stringify(stored), entryOf(stored)],
            ...[reserved === undefined ? "" : reservation(reserved.id, reserved.bytes), INDEX_MS],
          ],
        },
      ])
      if (isWhole === 1) return stored
      throw new AppError("conflict", "The file took too long: what came first has expired. Send it again.")
    },
    find: async (fileId, organizationId) => {
      // `file-…:0` would be a chunk, whose text is anybody's.
      if (!isId(fileId, FILE_PREFIX)) return null
      const [text] = await store.query<[string | null]>("findFile", [["GET", keys.file(fileId)]])
      const file = text === null ? null : decodeHead(text)
      return file?.organizationId === organizationId ? file : null
    },
    list: async (organizationId) => {
      const [entries] = await store.query<[string[]]>("listFiles", [
        ["ZRANGE", keys.files(organizationId), `(${clock()}`, "+inf", "BYSCORE", "WITHSCORES"],
      ])
      const files = entries.flatMap((entry, i) =>
        i % 2 === 0 ? (readEntry(entry, entries[i + 1]) ?? []) : [],
      )
      return files.sort((a, b) => (a.fileId < b.fileId ? -1 : 1))
    },
    readChunks: async function* ({ segments }, from = 0) {
      const names = keysOf(segments)
      for (let at = from; at < names.length; at += READ_CHUNKS) {
        const [chunks] = await store.query<[(string | null)[]]>("readFile", [
          ["MGET", ...names.slice(at, at + READ_CHUNKS)],
        ])
        for (const chunk of chunks) {
          if (chunk === null) throw new AppError("not_found", "The file is gone.")
          yield chunk
        }
      }
    },
    remove,
    delete: async (file) => {
      await store.query("deleteFile", [
        ["UNLINK", keys.file(file.fileId), ...keysOf(file.segments)],
        ["ZREM", keys.files(file.organizationId), entryOf(file)],
      ])
    },
  }
}

export function decodeHead(text: string): StoredFile {
  if (!text.startsWith(VERSION)) throw unreadable(`file ${text.slice(0, 4)}`)
  return JSON.parse(text.slice(VERSION.length)) as StoredFile
}

/** In an organization's index, by when it ends: `id|bytes|purpose|filename`. A reservation has neither of the last two. */
function entryOf({ fileId, bytes, purpose, filename }: FileSummary): string {
  return `${fileId}|${bytes}|${purpose}|${filename}`
}

function reservation(id: string, bytes: number): string {
  return `${id}|${bytes}||`
}

/** null for a reservation. */
function readEntry(entry: string, score: string | undefined): FileSummary | null {
  const [, fileId = "", bytes, purpose = "", filename = ""] =
    /^([^|]*)\|(\d+)\|([^|]*)\|(.*)$/su.exec(entry) ?? []
  if (purpose === "") return null
  return {
    ...{ fileId, filename, purpose: purpose as FilePurpose, bytes: Number(bytes) },
    ...{ createdAt: idTime(fileId, FILE_PREFIX), expiresAt: Number(score) },
  }
}
