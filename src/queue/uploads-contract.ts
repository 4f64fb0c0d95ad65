import type { FilePurpose, FileSegment, Intake } from "./files-contract.ts"

/** A file that comes in parts, in any order, and several at a time. */
export interface Upload {
  uploadId: string
  organizationId: string
  filename: string
  purpose: FilePurpose
  /** That many bytes its parts have to make up. */
  bytes: number
  /** How long the file will live, from its completion on. */
  fileSeconds: number
  createdAt: number
  expiresAt: number
}

/** A part, whose chunks are stored under its id. */
export interface UploadPart extends Intake {
  partId: string
  createdAt: number
}

/** How an upload ended; the first end that is noted stays. */
export type UploadEnd = { kind: "cancelled" } | { kind: "completed"; fileId: string; partIds: string[] }

export interface UploadState {
  upload: Upload
  parts: UploadPart[]
  end: UploadEnd | null
}

/** A file's chunks, and between them what was cut inside a character. */
export type UploadPiece = FileSegment | string

/** Uploads, kept for a day after their time is over. Each method is one round trip. */
export interface UploadStore {
  newUploadId(): string
  newPartId(): string
  create(upload: Upload): Promise<void>
  /** null: unknown, long over, or another organization's. */
  find(uploadId: string, organizationId: string): Promise<UploadState | null>
  /** All parts that are there then; others may have come meanwhile. */
  addPart(upload: Upload, part: UploadPart): Promise<UploadPart[]>
  removePart(upload: Upload, partId: string): Promise<void>
  /** The end that holds, which may be an earlier one. */
  end(upload: Upload, end: UploadEnd): Promise<UploadEnd>
}
