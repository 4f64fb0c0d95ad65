import { toHex } from "../../core/digest.ts"
import { AppError } from "../../core/errors.ts"
import type { FileSegment, FileStore, StoredFile } from "../../queue/files-contract.ts"
import type { Upload, UploadPiece } from "../../queue/uploads-contract.ts"

/** The runtime's own, in which a digest takes in a stream; Node has none. */
interface Digests {
  DigestStream?: new (algorithm: "MD5") => WritableStream<Uint8Array> & { digest: Promise<ArrayBuffer> }
}

/** The MD5 of what the pieces make up, in hex. Reads all of it. Throws `not_supported` where the runtime has none. */
export async function md5Of(files: FileStore, pieces: UploadPiece[]): Promise<string> {
  const { DigestStream } = crypto as Digests
  if (DigestStream === undefined) {
    throw new AppError("not_supported", "An md5 cannot be checked here: leave it out.")
  }
  const stream = new DigestStream("MD5")
  const writer = stream.getWriter()
  const encoder = new TextEncoder()
  for (const piece of pieces) {
    const texts = typeof piece === "string" ? [piece] : files.readChunks({ segments: [piece] })
    for await (const text of texts) await writer.write(encoder.encode(text))
  }
  await writer.close()
  return toHex(await stream.digest)
}

/** Makes a file of the pieces of an upload. Chunks stay where they are; only what was cut inside a character is written. */
export async function writePieces(
  files: FileStore,
  upload: Upload,
  fileId: string,
  pieces: UploadPiece[],
): Promise<StoredFile> {
  const { organizationId, uploadId, filename, purpose, bytes, fileSeconds, expiresAt } = upload
  const segments: FileSegment[] = []
  let mended = 0
  for (const piece of pieces) {
    if (typeof piece !== "string") segments.push(piece)
    else {
      await files.append(fileId, { chunks: mended, bytes: 0 }, piece, expiresAt)
      segments.push({ id: fileId, from: mended, chunks: 1 })
      mended += 1
    }
  }
  return files.finish(
    { fileId, organizationId, filename, purpose, lifeSeconds: fileSeconds },
    { chunks: mended, bytes },
    { segments, reserved: { id: uploadId, bytes } },
  )
}
