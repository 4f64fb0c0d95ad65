import { createHash } from "node:crypto"
import { backUp } from "../../src/backup/back-up.ts"
import type { DumpLine } from "../../src/backup/format.ts"
import { type RestoreOptions, type RestoreReport, restoreDump } from "../../src/backup/restore.ts"
import { type DumpSource, survey } from "../../src/backup/survey.ts"
import type { TestStore } from "../helpers/store.ts"

/** A dump in memory, as a file would hold it. */
export interface MemoryDump extends DumpSource {
  texts: string[]
}

export interface TakeOptions {
  pause?: boolean
  /** Before each line is written. */
  onLine?(line: DumpLine): Promise<void> | void
  onWaiting?(inFlight: number): void
  clock?: () => number
}

export async function takeBackup(
  { url, token }: Pick<TestStore, "url" | "token">,
  queueName: string,
  { pause = false, onLine, onWaiting, clock }: TakeOptions = {},
) {
  const texts: string[] = []
  const hash = createHash("sha256")
  let estimate = 0
  const footer = await backUp({
    ...{ redis: { url, token }, queueName, pause, random: () => 0 },
    ...(clock && { clock }),
    signal: new AbortController().signal,
    sink: {
      write: async (line) => {
        await onLine?.(line)
        const text = JSON.stringify(line)
        texts.push(text)
        hash.update(`${text}\n`)
      },
      digest: () => hash.copy().digest("hex"),
    },
    onEstimate: ({ commands }) => {
      estimate = commands
    },
    onProgress: () => undefined,
    onWaiting: (inFlight) => onWaiting?.(inFlight),
  })
  return { dump: dumpOf(texts), footer, estimate }
}

export function dumpOf(texts: string[]): MemoryDump {
  return {
    texts,
    async *lines() {
      const hash = createHash("sha256")
      for (const text of texts) {
        yield { text, sha256: () => hash.copy().digest("hex") }
        hash.update(`${text}\n`)
      }
    },
  }
}

export async function restoreBackup(
  { url, token }: Pick<TestStore, "url" | "token">,
  queueName: string,
  dump: MemoryDump,
  options: Partial<Pick<RestoreOptions, "done" | "onDone" | "signal" | "clock">> & { asOf?: number } = {},
): Promise<RestoreReport> {
  const { asOf = (options.clock ?? Date.now)(), ...others } = options
  return restoreDump({
    ...{ redis: { url, token }, queueName, random: () => 0, source: dump },
    ...{ signal: new AbortController().signal, done: 0, onDone: () => undefined },
    survey: await survey(dump, { asOf, retryPenaltyMs: 60_000 }),
    ...others,
  })
}
