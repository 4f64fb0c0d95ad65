import {
  CompleteBody,
  DEFAULT_FILE_SECONDS,
  MAX_UPLOAD_PARTS,
  uploadBody,
} from "../../core/contracts/files.ts"
import { check, invalid, problem } from "../../core/contracts/problem.ts"
import { AppError } from "../../core/errors.ts"
import type { StoredFile } from "../../queue/files-contract.ts"
import { joinParts } from "../../queue/uploads.ts"
import type { Upload, UploadEnd, UploadPart, UploadState } from "../../queue/uploads-contract.ts"
import { readJson } from "../body.ts"
import type { App, AppContext } from "../context.ts"
import { afterAnswer, organizationOf, outlivingCaller, resource, servicesOf } from "../resource.ts"
import { toFileObject, toSeconds } from "./file-object.ts"
import { md5Of, writePieces } from "./file-pieces.ts"
import { takeForm, undo } from "./take-form.ts"

const HOUR_MS = 3_600_000
const MAX_PART_BYTES = 67_108_864
/** A thousand ids. */
const MAX_COMPLETE_BYTES = 65_536

/** OpenAI's uploads: files in parts, for which no single body is too large. */
export function mountUploads(app: App): void {
  resource(app, "/v1/uploads", { POST: { scope: "enqueue", handle: createUpload } })
  resource(app, "/v1/uploads/:uploadId/parts", {
    POST: { scope: "enqueue", handle: (c) => outlivingCaller(c, addPart(c)) },
  })
  resource(app, "/v1/uploads/:uploadId/complete", { POST: { scope: "enqueue", handle: completeUpload } })
  resource(app, "/v1/uploads/:uploadId/cancel", { POST: { scope: "enqueue", handle: cancelUpload } })
}

async function createUpload(c: AppContext): Promise<Response> {
  const { files, uploads, clock, config } = servicesOf(c)
  const { value } = await readJson(c, MAX_COMPLETE_BYTES)
  const read = check(uploadBody(config.maxFileBytes), value)
  if (read.value === null) throw invalid("The body", read.problems)
  const { bytes, filename, purpose, expires_after } = read.value
  const createdAt = clock()
  const upload: Upload = {
    uploadId: uploads.newUploadId(),
    organizationId: organizationOf(c),
    filename: filename.toWellFormed(),
    ...{ purpose, bytes, createdAt },
    fileSeconds: expires_after?.seconds ?? DEFAULT_FILE_SECONDS,
    expiresAt: createdAt + HOUR_MS,
  }
  await files.reserve(upload.organizationId, upload.uploadId, bytes, upload.expiresAt)
  await uploads.create(upload)
  return c.json(toUploadObject(upload, "pending", null))
}

async function addPart(c: AppContext): Promise<Response> {
  const { files, uploads, clock } = servicesOf(c)
  const { upload, parts, end } = await findUpload(c)
  checkOpen(c, upload, end)
  // Parts that were sent again count too; nobody needs to send everything three times.
  if (parts.length >= MAX_UPLOAD_PARTS || bytesOf(parts) > 2 * upload.bytes) throw tooManyParts()
  const partId = uploads.newPartId()
  // Whoever completes the upload at the last moment still has to find it.
  const until = upload.expiresAt + HOUR_MS
  const writer = files.openWriter(partId, Math.min(MAX_PART_BYTES, upload.bytes), until)
  try {
    const fields = await takeForm(c, "data", writer)
    const problems = Object.keys(fields).filter((name) => name !== "data")
    if (problems.length > 0) throw invalid("The form", [problem([problems[0] ?? ""], "is not known here")])
    if (!("data" in fields)) throw invalid("The form", [problem(["data"], "is required")])
    const part: UploadPart = { partId, createdAt: clock(), ...(await writer.finish()) }
    const all = await uploads.addPart(upload, part)
    // Others came at the same time.
    if (all.length > MAX_UPLOAD_PARTS || bytesOf(all) > 3 * upload.bytes) {
      await uploads.removePart(upload, partId)
      throw tooManyParts()
    }
    return c.json({
      id: partId,
      object: "upload.part",
      created_at: toSeconds(part.createdAt),
      upload_id: upload.uploadId,
    })
  } catch (error) {
    afterAnswer(c, undo([writer.discard()]))
    throw error
  }
}

function bytesOf(parts: UploadPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0)
}

function tooManyParts(): AppError {
  return new AppError("too_large", "The upload has more parts than it needs: complete it, or begin anew.")
}

async function completeUpload(c: AppContext): Promise<Response> {
  const { value } = await readJson(c, MAX_COMPLETE_BYTES)
  const read = check(CompleteBody, value)
  if (read.value === null) throw invalid("The body", read.problems)
  const { part_ids: partIds, md5 } = read.value
  const state = await findUpload(c)
  const { upload } = state
  const isSame = (end: UploadEnd) => end.kind === "completed" && end.partIds.join() === partIds.join()
  if (state.end === null || !isSame(state.end)) checkOpen(c, upload, state.end)

  const { files, uploads } = servicesOf(c)
  const pieces = joinParts(chooseParts(state, partIds))
  if (state.end === null && md5 !== undefined && (await md5Of(files, pieces)) !== md5.toLowerCase()) {
    throw invalid("The body", [problem(["md5"], "is not that of the parts in this order")])
  }
  const end = await uploads.end(upload, { kind: "completed", fileId: files.newFileId(), partIds })
  if (end.kind !== "completed" || !isSame(end)) throw alreadyEnded(end)
  const known = await files.find(end.fileId, upload.organizationId)
  const file = known ?? (await writePieces(files, upload, end.fileId, pieces))
  return c.json(toUploadObject(upload, "completed", file))
}

/** Throws `invalid_request` for parts that do not make up the upload. */
function chooseParts({ upload, parts }: UploadState, partIds: string[]): UploadPart[] {
  const known = new Map(parts.map((part) => [part.partId, part]))
  const chosen = partIds.flatMap((partId) => known.get(partId) ?? [])
  const unknown = partIds.findIndex((partId) => !known.has(partId))
  if (unknown !== -1) {
    throw invalid("The body", [problem(["part_ids", unknown], "is no part of this upload")])
  }
  if (new Set(partIds).size < partIds.length) {
    throw invalid("The body", [problem(["part_ids"], "names a part more than once")])
  }
  const bytes = bytesOf(chosen)
  if (bytes === upload.bytes) return chosen
  const message = `makes up ${bytes} bytes, where the upload was announced with ${upload.bytes}`
  throw invalid("The body", [problem(["part_ids"], message)])
}

async function cancelUpload(c: AppContext): Promise<Response> {
  const { files, uploads } = servicesOf(c)
  const { upload, parts, end } = await findUpload(c)
  if (end?.kind !== "cancelled") {
    checkOpen(c, upload, end)
    const held = await uploads.end(upload, { kind: "cancelled" })
    if (held.kind !== "cancelled") throw alreadyEnded(held)
  }
  const segments = parts.map(({ partId, chunks }) => ({ id: partId, from: 0, chunks }))
  const { organizationId, uploadId, bytes } = upload
  afterAnswer(c, undo([files.remove(segments), files.release(organizationId, uploadId, bytes)]))
  return c.json(toUploadObject(upload, "cancelled", null))
}

/** Throws `not_found` for an upload that is unknown, long over, or another organization's. */
async function findUpload(c: AppContext): Promise<UploadState> {
  const state = await servicesOf(c).uploads.find(c.req.param("uploadId") ?? "", organizationOf(c))
  if (state === null) throw new AppError("not_found", "No such upload is known, or its time is over.")
  return state
}

/** Throws `conflict` for an upload that is over. */
function checkOpen(c: AppContext, { expiresAt }: Upload, end: UploadEnd | null): void {
  if (end !== null) throw alreadyEnded(end)
  if (servicesOf(c).clock() >= expiresAt) {
    throw new AppError("conflict", "The upload has expired: it had an hour. Begin anew.")
  }
}

function alreadyEnded({ kind }: UploadEnd): AppError {
  return new AppError("conflict", `The upload is already ${kind}.`)
}

function toUploadObject(
  upload: Upload,
  status: "pending" | "completed" | "cancelled",
  file: StoredFile | null,
) {
  const { uploadId, bytes, createdAt, expiresAt, filename, purpose } = upload
  return {
    id: uploadId,
    object: "upload",
    bytes,
    created_at: toSeconds(createdAt),
    expires_at: toSeconds(expiresAt),
    filename,
    purpose,
    status,
    file: file === null ? null : toFileObject(file),
  }
}
