import { DEFAULT_FILE_SECONDS, FileForm, FilesQuery } from "../../core/contracts/files.ts"
import { check, invalid } from "../../core/contracts/problem.ts"
import { AppError } from "../../core/errors.ts"
import { notText } from "../../queue/file-writer.ts"
import type { StoredFile } from "../../queue/files-contract.ts"
import type { App, AppContext } from "../context.ts"
import { readQuery } from "../query.ts"
import { afterAnswer, organizationOf, outlivingCaller, resource, servicesOf } from "../resource.ts"
import { streamText } from "../stream-text.ts"
import { toFileObject } from "./file-object.ts"
import { readBoundary } from "./multipart.ts"
import { takeForm, undo } from "./take-form.ts"

const HOUR_MS = 3_600_000
/** Of a form around its file. */
const FORM_BYTES = 65_536

/** OpenAI's files: what batches read and write. */
export function mountFiles(app: App): void {
  resource(app, "/v1/files", {
    POST: { scope: "enqueue", handle: (c) => outlivingCaller(c, postFile(c)) },
    GET: { scope: "read", handle: listFiles },
  })
  resource(app, "/v1/files/:fileId", {
    GET: { scope: "read", handle: async (c) => c.json(toFileObject(await findFile(c))) },
    DELETE: { scope: "enqueue", handle: deleteFile },
  })
  resource(app, "/v1/files/:fileId/content", { GET: { scope: "read", handle: readContent } })
}

async function postFile(c: AppContext): Promise<Response> {
  const { files, clock, config } = servicesOf(c)
  readBoundary(c)
  const { maxFileBytes } = config
  const declared = Number(c.req.header("Content-Length") ?? maxFileBytes)
  if (declared > maxFileBytes + FORM_BYTES) {
    throw new AppError("too_large", `The file may have at most ${maxFileBytes} bytes.`)
  }
  const organizationId = organizationOf(c)
  const fileId = files.newFileId()
  const reserved = { id: fileId, bytes: Math.min(declared, maxFileBytes) }
  const until = clock() + HOUR_MS
  await files.reserve(organizationId, fileId, reserved.bytes, until)
  const writer = files.openWriter(fileId, maxFileBytes, until)
  try {
    const form = readFileForm(await takeForm(c, "file", writer))
    const taken = await writer.finish()
    if (taken.lead.length + taken.tail.length > 0) throw notText()
    const file = await files.finish({ ...form, fileId, organizationId }, taken, { reserved })
    return c.json(toFileObject(file))
  } catch (error) {
    afterAnswer(c, undo([writer.discard(), files.release(organizationId, fileId, reserved.bytes)]))
    throw error
  }
}

function readFileForm(fields: Record<string, unknown>) {
  const read = check(FileForm, fields)
  if (read.value === null) throw invalid("The form", read.problems)
  const { file: filename, purpose, expires_after } = read.value
  return { filename, purpose, lifeSeconds: expires_after?.seconds ?? DEFAULT_FILE_SECONDS }
}

async function listFiles(c: AppContext): Promise<Response> {
  const { limit, after, order, purpose } = readQuery(c, FilesQuery)
  const all = (await servicesOf(c).files.list(organizationOf(c))).filter(
    (file) => purpose === undefined || file.purpose === purpose,
  )
  if (order === "desc") all.reverse()
  const isBehind = (fileId: string) =>
    after === undefined || (order === "desc" ? fileId < after : fileId > after)
  const behind = all.filter(({ fileId }) => isBehind(fileId))
  const data = behind.slice(0, limit).map(toFileObject)
  return c.json({
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: behind.length > data.length,
  })
}

async function deleteFile(c: AppContext): Promise<Response> {
  const file = await findFile(c)
  await servicesOf(c).files.delete(file)
  return c.json({ id: file.fileId, object: "file", deleted: true })
}

/** The bytes as they came in. */
async function readContent(c: AppContext): Promise<Response> {
  const file = await findFile(c)
  return c.body(streamText(servicesOf(c).files.readChunks(file)), 200, {
    "Content-Type": "application/octet-stream",
    "Content-Disposition": `attachment; filename*=UTF-8''${encodeURIComponent(file.filename)}`,
  })
}

/** Throws `not_found` for a file that is unknown, past its time, or another organization's. */
async function findFile(c: AppContext): Promise<StoredFile> {
  const fileId = c.req.param("fileId") ?? ""
  const file = await servicesOf(c).files.find(fileId, organizationOf(c))
  if (file === null) throw new AppError("not_found", "No such file is known, or its time is over.")
  return file
}
