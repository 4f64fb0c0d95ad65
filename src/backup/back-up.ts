import type { Clock, Random } from "../core/clock.ts"
import { AppError } from "../core/errors.ts"
import { sleep } from "../core/sleep.ts"
import { VERSION } from "../core/version.ts"
import type { StoredPage, StoredRequest } from "../queue/copy/contract.ts"
import { CopyStore } from "../queue/copy/copy-store.ts"
import { ALWAYS_THERE, type Treatment, treatmentOf } from "../queue/copy/names.ts"
import {
  chunkNames,
  countInFlight,
  countMembers,
  hasNames,
  listNames,
  pauseQueue,
  readIndex,
  readKeys,
  readLiveIds,
  readRequests,
} from "../queue/copy/reader.ts"
import { stateOf } from "../queue/copy/restored.ts"
import { Tally } from "../queue/copy/tally.ts"
import { DUMP_FORMAT, type DumpFooter, type DumpHeader, type DumpLine } from "./format.ts"

const LOOK_MS = 1000

export interface BackupOptions {
  redis: { url: string; token: string }
  queueName: string
  clock?: Clock
  random?: Random
  /** First pauses the queue, and waits until nothing is in flight. It stays paused. */
  pause: boolean
  signal: AbortSignal
  /** Writes one line; the digest of all so far when asked. */
  sink: { write(line: DumpLine): Promise<void>; digest(): string }
  /** What is about to be done: requests and other keys, and billed commands by an estimate. */
  onEstimate(estimate: { requests: number; keys: number; commands: number }): void
  onProgress(progress: { requests: number; pages: number }): void
  /** Calls that are waited for. */
  onWaiting(inFlight: number): void
}

/**
 * Everything that a queue has stored, as lines. Throws when the signal is aborted, since a part of a backup is none, and
 * `invalid_request` where there is no such queue.
 */
export async function backUp(options: BackupOptions): Promise<DumpFooter> {
  const { redis, queueName, clock = Date.now, random = Math.random, signal, sink } = options
  const store = new CopyStore({ redis, queueName, clock, random, signal })
  // A wrong name must neither be paused nor leave an empty file, which would pass for a backup until it is needed.
  if (!(await hasNames(store))) {
    throw new AppError(
      "invalid_request",
      `There is no queue ${queueName} in this store: nothing has its name.`,
    )
  }
  if (options.pause) await pauseAndWait(store, options)
  const startedAt = clock()
  const names = await listNames(store)
  const by = groupNames(names)
  const requests = await countMembers(store, by.recent)
  const keys = by.early.length + by.plain.length
  options.onEstimate({ requests, keys, commands: store.commands + estimate(requests, keys, names.length) })

  const header: DumpHeader = {
    ...{ kind: "header", format: DUMP_FORMAT, queueName, startedAt },
    ...{ isPaused: options.pause, version: VERSION },
  }
  await sink.write(header)
  const writer = new LineWriter(options)
  await writer.writeKeys(store, by.early)
  // Listed anew: what is in an idempotency key is in an index by now.
  await writer.writeRequests(store, await listNames(store, "recent:"))
  await writer.writeKeys(store, [
    ...by.plain,
    ...ALWAYS_THERE.filter((name) => treatmentOf(name) === "plain"),
  ])
  await writer.writeKeys(store, ["chores"])
  await writer.writeKeys(store, ["meta"])
  const footer: DumpFooter = {
    ...{ kind: "footer", finishedAt: clock(), requests: writer.requests, pages: writer.pages },
    ...{ states: writer.states(), commands: store.commands, sha256: sink.digest() },
  }
  await sink.write(footer)
  return footer
}

async function pauseAndWait(store: CopyStore, { signal, onWaiting }: BackupOptions): Promise<void> {
  await pauseQueue(store)
  for (;;) {
    const inFlight = await countInFlight(store)
    if (inFlight === 0) return
    onWaiting(inFlight)
    await sleep(LOOK_MS, signal)
    if (signal.aborted) throw interrupted()
  }
}

function groupNames(names: string[]): Record<Treatment, string[]> {
  const groups: Record<Treatment, string[]> = {
    ...{ request: [], recent: [], early: [], late: [], meta: [], passing: [], plain: [] },
  }
  for (const name of names) {
    if (!ALWAYS_THERE.includes(name)) groups[treatmentOf(name)].push(name)
  }
  return groups
}

/** Of what is left after the first scan. A request's own keys are read together, another key by itself. */
function estimate(requests: number, keys: number, names: number): number {
  return Math.ceil(names / 1000 + requests / 10 + 4 * keys)
}

class LineWriter {
  requests = 0
  pages = 0
  private readonly options: BackupOptions
  private readonly seen = new Set<string>()
  private readonly tally = new Tally()

  constructor(options: BackupOptions) {
    this.options = options
  }

  states(): DumpFooter["states"] {
    return Object.fromEntries(this.tally.byOrganization)
  }

  async writeKeys(store: CopyStore, names: string[]): Promise<void> {
    const written = new Set(names)
    const chunks: string[] = []
    for await (const page of readKeys(store, names)) {
      await this.writePage(page)
      chunks.push(...chunkNames(page).filter((name) => !written.has(name)))
    }
    // Of a file that was finished while keys were listed.
    if (chunks.length > 0) await this.writeKeys(store, chunks)
  }

  /** Each as it stands when it is read, and once: in which order they are read does not matter. */
  async writeRequests(store: CopyStore, indexes: string[]): Promise<void> {
    for (const name of indexes) {
      for await (const ids of readIndex(store, name)) await this.writeSome(store, ids)
    }
    for await (const ids of readLiveIds(store)) await this.writeSome(store, ids)
  }

  private async writeSome(store: CopyStore, ids: string[]): Promise<void> {
    const unseen = [...new Set(ids)].filter((id) => !this.seen.has(id))
    for (const id of unseen) this.seen.add(id)
    for await (const found of readRequests(store, unseen)) {
      for (const request of found) await this.writeRequest(request)
    }
  }

  private async writeRequest(request: StoredRequest): Promise<void> {
    this.tally.count(stateOf(request))
    this.requests += 1
    await this.write(request)
  }

  private async writePage(page: StoredPage): Promise<void> {
    this.pages += 1
    await this.write(page)
  }

  private async write(line: DumpLine): Promise<void> {
    const { signal, sink, onProgress } = this.options
    if (signal.aborted) throw interrupted()
    await sink.write(line)
    onProgress({ requests: this.requests, pages: this.pages })
  }
}

function interrupted(): AppError {
  return new AppError("conflict", "interrupted")
}
