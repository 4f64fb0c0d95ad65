import type { FileSummary } from "../../queue/files-contract.ts"

/** A file as OpenAI's clients know it; its times are in seconds. */
export function toFileObject({ fileId, bytes, createdAt, expiresAt, filename, purpose }: FileSummary) {
  return {
    id: fileId,
    object: "file",
    bytes,
    created_at: toSeconds(createdAt),
    expires_at: toSeconds(expiresAt),
    filename,
    purpose,
    status: "processed",
    status_details: null,
  }
}

export function toSeconds(at: number): number {
  return Math.floor(at / 1000)
}
