/** What a file is for: `batch` was uploaded, `batch_output` is what a batch came to. */
export type FilePurpose = "batch" | "batch_output"

/** Chunks that lie one after another under one name: the file's own, or a part's of an upload. */
export interface FileSegment {
  id: string
  /** Number of its first chunk. */
  from: number
  chunks: number
}

/** What lists tell of a file. */
export interface FileSummary {
  fileId: string
  filename: string
  purpose: FilePurpose
  bytes: number
  /** Epoch ms; the id's own time. */
  createdAt: number
  expiresAt: number
}

/** A file: text in UTF-8, in chunks. It exists from the moment its head is written, which comes last. */
export interface StoredFile extends FileSummary {
  organizationId: string
  segments: FileSegment[]
}

/** A file to be; it lives for that long from its creation on, which is its id's time. */
export interface NewFile extends Pick<StoredFile, "fileId" | "organizationId" | "filename" | "purpose"> {
  lifeSeconds: number
}

/** How far a file is written: `{chunks: 0, bytes: 0}` at its beginning. */
export interface FileCursor {
  chunks: number
  bytes: number
}

/** What was taken in of bytes that came piece by piece. */
export interface Intake extends FileCursor {
  /** At most 3 bytes each: what ends a character that began before, and what begins one that ends later. */
  lead: number[]
  tail: number[]
}

/** Takes bytes in as chunks; holds about 4 MB of them at a time. */
export interface FileWriter {
  /** Resolves when more may come. Throws `too_large`, and `invalid_request` for what is not UTF-8. */
  write(bytes: Uint8Array): Promise<void>
  /** Writes what is left. */
  finish(): Promise<Intake>
  /** Takes away what was written. */
  discard(): Promise<void>
}

/**
 * Files of text in the store, in chunks that are at most 1 MB as the store's JSON carries them. Everything has a time
 * to live, and ends by itself. Errors are `AppError`s; `docs/files.md` counts the commands.
 */
export interface FileStore {
  newFileId(): string

  /**
   * Makes room for `bytes` of a file to be until `until`, epoch ms; its id is the reservation's name. Throws `too_large`
   * when the organization's files hold all that they may. One round trip.
   */
  reserve(organizationId: string, id: string, bytes: number, until: number): Promise<void>
  release(organizationId: string, id: string, bytes: number): Promise<void>

  /** Takes in bytes under that id, at most `maxBytes`. Unfinished chunks end at `until`, epoch ms. */
  openWriter(id: string, maxBytes: number, until: number): FileWriter

  /**
   * Writes text as the chunks that come next, and returns where the ones after it begin. The same text at the same
   * cursor writes the same chunks, so whoever keeps the cursor can go on after a crash. Each call makes a chunk at
   * least: hand over about a megabyte at a time. One round trip for each 4 MB; unfinished chunks end at `until`.
   */
  append(id: string, cursor: FileCursor, text: string, until: number): Promise<FileCursor>

  /**
   * Makes a file of chunks that are written: under its own id, unless `segments` names others. `reserved`: what `reserve`
   * was asked for. Repeated, it changes nothing. Throws `conflict` when a chunk is gone. One round trip.
   */
  finish(
    file: NewFile,
    written: FileCursor,
    options?: { segments?: FileSegment[]; reserved?: { id: string; bytes: number } },
  ): Promise<StoredFile>

  /** null: unknown, past its time, or another organization's. One round trip. */
  find(fileId: string, organizationId: string): Promise<StoredFile | null>

  /** All files of an organization, oldest first. One round trip. */
  list(organizationId: string): Promise<FileSummary[]>

  /**
   * The text, chunk by chunk, from chunk number `from` (0: all). Lines may go on in the next chunk. One round trip for 6
   * chunks. Throws `not_found` when the file is deleted meanwhile.
   */
  readChunks(file: Pick<StoredFile, "segments">, from?: number): AsyncGenerator<string, void>

  /** Takes away chunks that are no file's. One round trip. */
  remove(segments: FileSegment[]): Promise<void>

  /** Deletes a file and its chunks. One round trip. */
  delete(file: StoredFile): Promise<void>
}
