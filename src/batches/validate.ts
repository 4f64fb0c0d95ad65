import type { Batch, LineError } from "../queue/batches-contract.ts"
import { type BatchDeps, formatOf, openLines, type Phase } from "./deps.ts"
import type { LineFormat } from "./line-format.ts"
import { end, enter } from "./phases.ts"
import { maxLineLength, readEnvelope, readRequestOf } from "./read-line.ts"
import { FILE_START, groupLines, type Line } from "./read-lines.ts"

const MAX_LINES = 50_000
const MAX_ERRORS = 100
/** Characters that are read between two looks at custom ids. */
const GROUP_LENGTH = 4_000_000

/** Reads the whole input file. With anything wrong in it the batch fails before its first request. */
export async function* validate(deps: BatchDeps, given: Batch): Phase {
  const { batches, clock } = deps
  const format = formatOf(given)
  let batch = given
  const lines = openLines(deps, batch, maxLineLength(deps))
  for await (const group of groupLines(lines, batch.groupSize, GROUP_LENGTH)) {
    const errors = [...batch.errors, ...(await findErrors(deps, batch, format, group))]
    batch = { ...batch, errors: errors.slice(0, MAX_ERRORS), cursor: group.at(-1)?.next ?? batch.cursor }
    if (errors.length >= MAX_ERRORS || batch.cursor.requests > MAX_LINES) break
    yield batch
  }
  const errors = [...batch.errors, ...fileErrors(batch)].slice(0, MAX_ERRORS)
  await batches.forgetCustomIds(batch.batchId)
  yield errors.length > 0
    ? end({ ...batch, errors }, "failed", clock())
    : startRequests(batch, batch.cursor.requests, clock())
  return null
}

/** Its lines are known to be good, `total` of them. */
export function startRequests(batch: Batch, total: number, now: number): Batch {
  return { ...enter(batch, "in_progress", now), phase: "enqueue", cursor: FILE_START, total }
}

async function findErrors(
  deps: BatchDeps,
  batch: Batch,
  format: LineFormat,
  group: Line[],
): Promise<LineError[]> {
  const errors: LineError[] = []
  const ids: { customId: string; line: number }[] = []
  for (const line of group) {
    const envelope = readEnvelope(line, format)
    const { customId } = envelope
    const { problems } =
      envelope.problems.length > 0
        ? envelope
        : readRequestOf(line, envelope, format, { batch, deps, now: batch.createdAt })
    errors.push(...problems.map((found) => ({ ...found, line: line.number })))
    if (customId !== null) ids.push({ customId, line: line.number })
  }
  if (ids.length > 0) {
    const firsts = await deps.batches.claimCustomIds(batch.batchId, ids)
    for (const [i, { line }] of ids.entries()) {
      if (firsts[i] === line) continue
      const message = `custom_id must be unique: line ${firsts[i]} has the same.`
      errors.push({ code: "duplicate_custom_id", message, param: "custom_id", line })
    }
  }
  return errors.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
}

function fileErrors({ cursor }: Batch): LineError[] {
  if (cursor.requests === 0) {
    return [{ code: "empty_file", message: "The input file has no lines.", param: null, line: null }]
  }
  if (cursor.requests <= MAX_LINES) return []
  const message = `A batch may have at most ${MAX_LINES} lines: split the file.`
  return [{ code: "too_many_lines", message, param: null, line: null }]
}
