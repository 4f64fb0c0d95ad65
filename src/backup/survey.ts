import { decodeBatch } from "../queue/batches.ts"
import type { Batch } from "../queue/batches-contract.ts"
import type { StateCounts, StoredPage } from "../queue/copy/contract.ts"
import { type RestoreRules, restoreRequest, stateOf } from "../queue/copy/restored.ts"
import { Tally } from "../queue/copy/tally.ts"
import { broken, type DumpFooter, type DumpHeader, type DumpLine, readDumpLine } from "./format.ts"

/** A dump that can be read again and again. */
export interface DumpSource {
  /** Its lines without their ends; `sha256` is of all before it. */
  lines(): AsyncIterable<{ text: string; sha256(): string }>
}

/** What a whole dump holds. */
export interface Survey {
  header: DumpHeader
  footer: DumpFooter
  rules: RestoreRules
  /** Of what will be put back. */
  tally: Tally
  meta: Map<string, string>
  /** Names of other keys that have not ended. */
  keys: number
  /** About as many billed commands will it take to put it back and look at it. */
  commands: number
}

/** Reads all of it. Throws `invalid_request` when it is not whole, or not what its footer says. */
export async function survey(
  source: DumpSource,
  { asOf, retryPenaltyMs }: { asOf: number; retryPenaltyMs: number },
): Promise<Survey> {
  const tally = new Tally()
  const found = new Tally()
  const batches = new Map<string, Batch>()
  const meta = new Map<string, string>()
  let rules: RestoreRules = { takenAt: 0, asOf, retryPenaltyMs, batches }
  let header: DumpHeader | null = null
  let footer: DumpFooter | null = null
  const counts = { requests: 0, pages: 0, keys: 0, commands: 0 }
  for await (const { line, sha256 } of parse(source)) {
    if (footer !== null) throw broken("something stands behind its footer")
    if (line.kind === "header") {
      header = line
      rules = { ...rules, takenAt: line.startedAt }
    } else if (line.kind === "footer") {
      footer = line
      if (line.sha256 !== sha256()) throw broken("its checksum is another")
    } else if (line.kind === "key") {
      counts.pages += 1
      if (line.name === "meta") addPairs(meta, line)
      else if (line.expiresAt === null || line.expiresAt > asOf) counts.keys += 1
      const batch = batchOf(line)
      if (batch !== null) batches.set(batch.batchId, batch)
    } else {
      counts.requests += 1
      found.count(stateOf(line))
      tally.add(restoreRequest(line, rules))
      counts.commands += line.kind === "live" ? 0.2 : 1 + Number(line.body !== "")
      counts.commands += line.attempts.length > 0 ? 2 : 0
    }
  }
  if (header === null || footer === null) throw broken("it ends too early")
  if (footer.requests !== counts.requests || footer.pages !== counts.pages) {
    throw broken(`it has ${counts.requests} requests and ${counts.pages} pages, its footer says otherwise`)
  }
  if (JSON.stringify(sorted(footer.states)) !== JSON.stringify(sorted(found.byOrganization))) {
    throw broken("its counts are not what its footer says")
  }
  const commands = Math.ceil(counts.commands + 3 * counts.keys + counts.requests / 100)
  return { header, footer, rules, tally, meta, keys: counts.keys, commands }
}

export async function* parse(
  source: DumpSource,
): AsyncGenerator<{ number: number; line: DumpLine; sha256: () => string }> {
  let number = 0
  for await (const { text, sha256 } of source.lines()) {
    number += 1
    yield { number, line: readDumpLine(text, number), sha256 }
  }
}

function addPairs(meta: Map<string, string>, { values }: StoredPage): void {
  for (let i = 0; i + 1 < values.length; i += 2) meta.set(values[i] ?? "", values[i + 1] ?? "")
}

function batchOf({ name, type, values }: StoredPage): Batch | null {
  return /^batch:[^:]+$/.test(name) && type === "string" ? decodeBatch(values[0] ?? "").batch : null
}

function sorted(states: Record<string, StateCounts> | Map<string, StateCounts>): [string, StateCounts][] {
  const entries = states instanceof Map ? [...states] : Object.entries(states)
  return entries
    .map(([name, counts]): [string, StateCounts] => [
      name,
      Object.fromEntries(Object.entries(counts).sort()) as StateCounts,
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1))
}
