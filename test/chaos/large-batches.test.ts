import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { SETTINGS } from "../batches/scene.ts"
import { startBestStore, type TestStore } from "../helpers/store.ts"
import { effort } from "./effort.ts"

const BYTES = effort(10_000_000, 200_000_000)
/** Of V8's heap, where a Worker has 128 MB for everything. */
const HEAP_MB = 64

let store: TestStore
beforeAll(async () => {
  store = await startBestStore()
})
afterAll(() => store.close())

describe("a large batch", () => {
  test(
    `of ${BYTES / 1e6} MB is taken in, validated and enqueued by a process with little memory`,
    async () => {
      const file = join(import.meta.dirname, "../batches/large-process.ts")
      const { stdout } = await promisify(execFile)(process.execPath, [
        ...[`--max-old-space-size=${HEAP_MB}`, "--experimental-strip-types"],
        ...["--disable-warning=ExperimentalWarning", file, store.url, store.token, "large", String(BYTES)],
        JSON.stringify(SETTINGS),
      ])
      // Behind what the queue logs.
      const { first, second, peakMb } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<
        "first" | "second",
        object
      > & {
        peakMb: number
      }
      console.info(`${BYTES / 1e6} MB each: at most ${peakMb} MB of memory`)
      for (const batch of [first, second]) expect(batch).toMatchObject({ status: "in_progress", errors: [] })
      const { total, enqueued } = second as { total: number; enqueued: number }
      expect(total).toBeGreaterThan(BYTES / 6000)
      expect(enqueued).toBeGreaterThan(Math.min(total, 5000) - 1)
    },
    effort(60_000, 300_000),
  )
})
