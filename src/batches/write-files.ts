import type { RequestStatus } from "../core/outcome.ts"
import type { Usage } from "../core/request.ts"
import type { Batch, DraftFile, LineCounts, LineOutcome } from "../queue/batches-contract.ts"
import { type BatchDeps, formatOf, openLines, type Phase } from "./deps.ts"
import { countOf, type LineEnd, type LineFormat } from "./line-format.ts"
import { end } from "./phases.ts"
import { maxLineLength, readEnvelope, readRequestOf, requestIdOf } from "./read-line.ts"
import { groupLines, type Line } from "./read-lines.ts"

/** Characters of lines that are told together, and about how many bytes of outcomes are read for them. */
const GROUP_LENGTH = 4_000_000
const GROUP_BYTES = 1_000_000
/** A request that is not finished by now is about to be. */
const PAUSE_MS = 1000
const DAY_MS = 86_400_000

/** Writes what each line came to, in the order of the input file. */
export async function* writeFiles(deps: BatchDeps, given: Batch): Phase {
  const format = formatOf(given)
  let batch = given
  const lines = openLines(deps, batch, maxLineLength(deps))
  for await (const group of groupLines(lines, batch.groupSize, GROUP_LENGTH)) {
    let left = group
    while (left.length > 0) {
      const ids = left.map((line) => requestIdOf(batch, line))
      const outcomes = await deps.batches.outcomes(ids, GROUP_BYTES)
      const live = outcomes.findIndex(({ kind }) => kind === "live")
      const ready = left.slice(0, live === -1 ? outcomes.length : live)
      if (ready.length > 0) {
        batch = await writeLines(deps, batch, format, ready, outcomes)
        yield batch
      }
      if (live !== -1) return deps.clock() + PAUSE_MS
      left = left.slice(ready.length)
    }
  }
  yield await close(deps, batch)
  return null
}

async function writeLines(
  deps: BatchDeps,
  batch: Batch,
  format: LineFormat,
  lines: Line[],
  outcomes: LineOutcome[],
): Promise<Batch> {
  const counts: LineCounts = { ...batch.counts }
  let { usage } = batch
  let answers = ""
  let errors = ""
  for (const [i, line] of lines.entries()) {
    const { customId, lineEnd } = endOf(deps, batch, format, line, outcomes[i])
    const told = format.tell({ customId, requestId: requestIdOf(batch, line), end: lineEnd })
    const text = `${JSON.stringify(told)}\n`
    if (lineEnd.kind === "completed" || !format.hasErrorFile) answers += text
    else errors += text
    counts[countOf(lineEnd)] += 1
    if (lineEnd.kind === "completed") usage = add(usage, lineEnd.status)
  }
  return {
    ...batch,
    ...{ counts, usage },
    cursor: lines.at(-1)?.next ?? batch.cursor,
    output: await append(deps, batch, batch.output, answers),
    errorOutput: await append(deps, batch, batch.errorOutput, errors),
  }
}

function endOf(
  deps: BatchDeps,
  batch: Batch,
  format: LineFormat,
  line: Line,
  outcome: LineOutcome | undefined,
): { customId: string; lineEnd: LineEnd } {
  const envelope = readEnvelope(line, format)
  const customId = envelope.customId ?? ""
  if (outcome?.kind === "finished") return { customId, lineEnd: endOfRequest(outcome.status) }
  const { problems } = readRequestOf(line, envelope, format, { batch, deps, now: batch.createdAt })
  if (problems.length > 0) return { customId, lineEnd: { kind: "refused", problems } }
  const { ending, reached } = batch
  const isEarly = line.index >= reached && (ending === "cancelled" || ending === "expired")
  return { customId, lineEnd: { kind: isEarly ? ending : "lost" } }
}

function endOfRequest(status: RequestStatus): LineEnd {
  if (status.state === "cancelled") return { kind: "cancelled" }
  if (status.state === "completed") return { kind: "completed", status }
  return status.error?.code === "deadline_exceeded" ? { kind: "expired" } : { kind: "failed", status }
}

async function append(
  { files }: BatchDeps,
  { expiresAt }: Batch,
  draft: DraftFile | null,
  text: string,
): Promise<DraftFile | null> {
  if (draft === null || text === "") return draft
  return { ...draft, written: await files.append(draft.fileId, draft.written, text, expiresAt + DAY_MS) }
}

/** A file without a line is none. */
async function close(deps: BatchDeps, batch: Batch): Promise<Batch> {
  const now = deps.clock()
  const publish = async (draft: DraftFile | null, name: string) => {
    if (draft === null || draft.written.chunks === 0) return null
    await deps.files.finish(
      {
        fileId: draft.fileId,
        organizationId: batch.organizationId,
        filename: `${batch.batchId}_${name}.jsonl`,
        purpose: "batch_output",
        lifeSeconds: batch.outputTtlSeconds,
      },
      draft.written,
    )
    return draft
  }
  const output = await publish(batch.output, "output")
  const errorOutput = await publish(batch.errorOutput, "error")
  return end({ ...batch, output, errorOutput }, batch.ending, now)
}

function add(sum: Usage, { usage }: RequestStatus): Usage {
  if (usage === null) return sum
  return {
    inputTokens: sum.inputTokens + usage.inputTokens,
    cachedInputTokens: sum.cachedInputTokens + usage.cachedInputTokens,
    cacheWriteInputTokens: sum.cacheWriteInputTokens + usage.cacheWriteInputTokens,
    outputTokens: sum.outputTokens + usage.outputTokens,
    reasoningTokens: sum.reasoningTokens + usage.reasoningTokens,
  }
}
