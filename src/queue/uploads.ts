import { type Clock, type Random, systemClock } from "../core/clock.ts"
import { createIdGenerator, isId } from "../core/ids.ts"
import { decode } from "./file-writer.ts"
import { unreadable } from "./formats.ts"
import { createKeys } from "./keys.ts"
import { type Command, Store, type StoreAddress } from "./store.ts"
import type { Upload, UploadEnd, UploadPart, UploadPiece, UploadStore } from "./uploads-contract.ts"

const VERSION = "1"
const UPLOAD_PREFIX = "upload_"
/** An upload that is over is told from one that never was for that long. */
const KEPT_MS = 86_400_000

export interface UploadsOptions {
  redis: StoreAddress
  queueName: string
  clock?: Clock
  random?: Random
}

/** One hash for each upload, `uploads-contract.ts` says what each method does. */
export function createUploads(options: UploadsOptions): UploadStore {
  const { redis, queueName, clock = systemClock, random = Math.random } = options
  const store = new Store({ ...redis, queueName, random })
  const keys = createKeys(queueName)
  /** In the same round trip: a hash that had ended meanwhile must not come back for good. */
  const keep = ({ uploadId, expiresAt }: Upload): Command => [
    "PEXPIREAT",
    keys.upload(uploadId),
    expiresAt + KEPT_MS,
  ]
  return {
    newUploadId: createIdGenerator(clock, undefined, UPLOAD_PREFIX),
    newPartId: createIdGenerator(clock, undefined, "part_"),
    create: async (upload) => {
      const value = VERSION + JSON.stringify(upload)
      await store.query("createUpload", [
        ["HSET", keys.upload(upload.uploadId), "upload", value],
        keep(upload),
      ])
    },
    find: async (uploadId, organizationId) => {
      if (!isId(uploadId, UPLOAD_PREFIX)) return null
      const [members] = await store.query<[string[]]>("findUpload", [["HGETALL", keys.upload(uploadId)]])
      const fields = readFields(members)
      const text = fields.get("upload")
      if (text === undefined) return null
      if (!text.startsWith(VERSION)) throw unreadable(`upload ${text.slice(0, 4)}`)
      const upload = JSON.parse(text.slice(VERSION.length)) as Upload
      if (upload.organizationId !== organizationId) return null
      return {
        upload,
        parts: readParts(fields),
        end: JSON.parse(fields.get("end") ?? "null") as UploadEnd | null,
      }
    },
    addPart: async (upload, part) => {
      const key = keys.upload(upload.uploadId)
      const [, , members] = await store.query<[number, number, string[]]>("addPart", [
        ["HSET", key, part.partId, JSON.stringify(part)],
        keep(upload),
        ["HGETALL", key],
      ])
      return readParts(readFields(members))
    },
    removePart: async ({ uploadId }, partId) => {
      await store.query("removePart", [["HDEL", keys.upload(uploadId), partId]])
    },
    end: async (upload, end) => {
      const key = keys.upload(upload.uploadId)
      const [, , held] = await store.query<[number, number, string]>("endUpload", [
        ["HSETNX", key, "end", JSON.stringify(end)],
        keep(upload),
        ["HGET", key, "end"],
      ])
      return JSON.parse(held) as UploadEnd
    },
  }
}

function readFields(members: string[]): Map<string, string> {
  const fields = new Map<string, string>()
  for (let i = 0; i < members.length; i += 2) fields.set(members[i] ?? "", members[i + 1] ?? "")
  return fields
}

function readParts(fields: Map<string, string>): UploadPart[] {
  const parts = [...fields].filter(([name]) => name.startsWith("part_"))
  return parts.map(([, part]) => JSON.parse(part) as UploadPart)
}

/**
 * Parts in their order as one text. Parts are cut anywhere: what one ends with and the next begins with is a text of its
 * own. Throws `invalid_request` when that is not UTF-8.
 */
export function joinParts(parts: UploadPart[]): UploadPiece[] {
  const pieces: UploadPiece[] = []
  let cut: number[] = []
  const mend = () => {
    if (cut.length > 0) pieces.push(decode(Uint8Array.from(cut)))
  }
  for (const { partId, chunks, lead, tail } of parts) {
    cut.push(...lead)
    // A part that lies within a character.
    if (chunks === 0 && tail.length === 0) continue
    mend()
    if (chunks > 0) pieces.push({ id: partId, from: 0, chunks })
    cut = [...tail]
  }
  mend()
  return pieces
}
