import { requestIdTime } from "../core/ids.ts"
import { cleanup } from "./cleanup.ts"
import { type QueueContext, runWithLines } from "./context.ts"

/** Members of a line that one command looks at. */
const AGE_CHUNK = 5000
/** Small enough for one script's arguments and a short lock. */
const CHUNK = 500
const SCAN_COUNT = 1000

/** The hourly work; every part is safe to run twice, or at the same time elsewhere. */
export async function maintain(context: QueueContext): Promise<void> {
  await cleanup(context, null)
  await expirePending(context)
  await forgetIdleOrganizations(context)
}

/** Takes finished minutes into the history, each once however often this is asked for. */
export async function roll(context: QueueContext): Promise<void> {
  const { keys } = context
  await runWithLines(context, "roll", () => [
    {
      name: "roll",
      keys: [keys.meta, keys.historyMinutes, keys.historyHours],
      args: [context.clock(), context.lines.join(" ")],
    },
  ])
}

/**
 * Makes requests overdue that have been pending for longer than MAX_PENDING_AGE_SECONDS, so that the next claim fails
 * them: nothing waits forever, not even in a line that nobody serves. One command per 5,000 pending.
 */
async function expirePending(context: QueueContext): Promise<void> {
  const { keys, settings, clock, store } = context
  const before = clock() - settings.maxPendingAgeSeconds * 1000
  for (const line of context.lines) {
    for (let offset = 0; ; offset += AGE_CHUNK) {
      const [members] = await store.query<[string[]]>("maintain", [
        ["ZRANGE", keys.line(line), offset, offset + AGE_CHUNK - 1],
      ])
      const old = members.filter((id) => requestIdTime(id) < before)
      for (let i = 0; i < old.length; i += CHUNK) {
        const args = [clock(), "", before, ...old.slice(i, i + CHUNK)]
        const keysOfScript = [keys.meta, keys.live, keys.scheduled, keys.deadlines]
        await store.run("maintain", [{ name: "expire", keys: keysOfScript, args }])
      }
      if (members.length < AGE_CHUNK) break
    }
  }
}

/** One command per 1,000 fields of `meta`, and 3 where there is something to forget. */
async function forgetIdleOrganizations({ keys, store }: QueueContext): Promise<void> {
  let cursor = "0"
  do {
    const [[next, pairs]] = await store.query<[[string, string[]]]>("maintain", [
      ["HSCAN", keys.meta, cursor, "MATCH", "live:*", "COUNT", SCAN_COUNT],
    ])
    const idle = pairs
      .filter((_, i) => i % 2 === 0 && pairs[i + 1] === "0")
      .map((field) => field.slice("live:".length))
    if (idle.length > 0) await store.run("maintain", [{ name: "forget", keys: [keys.meta], args: idle }])
    cursor = String(next)
  } while (cursor !== "0")
}
