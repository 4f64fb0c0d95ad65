import { expect, test } from "vitest"
import { scriptSha } from "../../dev/script-sha.ts"
import { newBatch } from "../../src/batches/new-batch.ts"
import { NO_ALERTS } from "../../src/core/alerts.ts"
import { createAccess } from "../../src/queue/access.ts"
import { createBatches } from "../../src/queue/batches.ts"
import { createChores } from "../../src/queue/chores.ts"
import { createFiles } from "../../src/queue/files.ts"
import { scripts } from "../../src/queue/scripts.generated.ts"
import { eventually } from "../helpers/eventually.ts"
import { CLAIM, settlement, type TestQueue } from "../helpers/queue.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

interface Run {
  sha: string
  declared: string[]
  touched: string[]
}

/** One line of MONITOR: `1795504593.1 [0 lua] "HGET" "key" "field"`, with `lua` for what a script runs. */
function parseLine(line: string): { isScript: boolean; words: string[] } {
  const [, source = ""] = /^[\d.]+ \[\d+ (\S+)\]/.exec(line) ?? []
  const words = [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = ""]) => word)
  return { isScript: source === "lua", words }
}

function groupRuns(lines: string[]): Run[] {
  const runs: Run[] = []
  for (const { isScript, words } of lines.map(parseLine)) {
    if (words[0]?.toLowerCase() === "evalsha") {
      const count = Number(words[2])
      runs.push({ sha: words[1] ?? "", declared: words.slice(3, 3 + count), touched: [] })
    } else if (isScript) runs.at(-1)?.touched.push(...words.filter((word) => word.startsWith("aiq:{")))
  }
  return runs
}

/** Every transition, among requests of several lines and organizations. */
async function runEverything(queue: TestQueue, redis: { url: string; token: string }) {
  const { clock } = queue
  const now = clock()
  const audit = { at: now, action: "a", keyId: "k", organizationId: null, target: null, ip: null }
  const [delayed = "", gone = ""] = await queue.enqueueEach(
    ...[{ scheduledAt: now + 1000, deadlineAt: now + 2000 }, { organizationId: "org-2" }],
    ...([{ provider: "anthropic", deadlineAt: now + 90_000 }, { priority: "low" }, {}, {}] as const),
  )
  await queue.enqueueOnce([queue.newRequest()], { organizationId: "org-1", keyHash: "ab", bodyHash: "cd" })
  await queue.cancel(gone, null, audit)
  await queue.cancel(gone, null, audit)
  const { requests } = await queue.take()
  const kinds = ["completed", "failed", "retry", "return", "release"] as const
  await queue.settle(requests.map((each, i) => settlement(each, kinds[i % kinds.length] ?? "note")))
  const some = { filter: {}, limit: 1, cursor: null, audit } as const
  await queue.sweep({ ...some, verb: "discard", dryRun: true })
  const failed = requests[1]?.lease.requestId ?? ""
  await queue.replay(failed, null, { deadlineAt: now + 80_000 }, audit)
  const held = await queue.takeOne()
  await queue.extend(held.lease, held.lease.expiresAt + 1)
  await queue.watch(held.lease.requestId, now + 1000)
  await queue.writePartials([{ lease: held.lease, timeoutMs: 1000, offset: 0, text: "some" }])
  const turn = await queue.turn([settlement(held, "failed")], CLAIM)
  await queue.cancel(held.lease.requestId, null, audit)
  // Deadlines pass, leases are lost, and one of their holders comes back late.
  for (let i = 0; i < 4; i++) {
    clock.advance(200_000)
    await queue.take()
  }
  const { overdue } = await queue.take({ owner: "other" })
  await queue.settle(overdue.map((each) => settlement(each, "failed")))
  await queue.settle(turn.claim.requests.map((each) => settlement(each, "completed")))
  await queue.status(delayed, null, { includeMessages: true })
  await queue.list({ state: null, organizationId: "org-1", limit: 20, cursor: null })
  await queue.enqueueEach({})
  await queue.stats()
  clock.advance(3_700_000)
  await queue.roll()
  await queue.enqueueEach({})
  clock.advance(60_000)
  await queue.roll()
  clock.advance(700_000_000)
  await queue.maintain()
  await queue.cleanup(0)
  const access = createAccess({ redis, queueName: queue.name })
  const key = {
    keyId: "k1",
    name: "n",
    organizationId: "org-1",
    sha256: "ab",
    createdAt: now,
    expiresAt: null,
  }
  await access.issueKey({ ...key, scopes: [], maxPriority: null, ratePerMinute: null }, audit)
  await access.takeRate("k1", now, 1, 10)
  await access.revokeKey("k1", audit)
  const chores = createChores({ redis, queueName: queue.name })
  await chores.put("batch|b1", now)
  for (const chore of (await chores.take(1, 1000)).chores) await chores.settle(chore, null)
  const batches = createBatches({ redis, queueName: queue.name, clock })
  const asked = { organizationId: "org-1", endpoint: "/v1/chat/completions", inputFileId: "f", inputBytes: 1 }
  const config = { maxPending: 10, maxPendingPerOrganization: 10 }
  const batch = newBatch(
    "openai",
    { ...asked, metadata: null, outputTtlSeconds: 60 },
    { batches, config, now: clock() },
  )
  await batches.create(batch, { organizationId: "org-1", keyHash: "ba", bodyHash: "ef" })
  await batches.cancel({ revision: 1, batch }, batch)
  await batches.outcomes([...requests.map(({ lease }) => lease.requestId), "req_unknown"], 1000)
  const settings = { maxFileBytesPerOrganization: 1e9 }
  const files = createFiles({ redis, queueName: queue.name, settings })
  const fileId = files.newFileId()
  const until = Date.now() + 3_600_000
  await files.reserve("org-1", fileId, 100, until)
  const written = await files.append(fileId, { chunks: 0, bytes: 0 }, "{}", until)
  const file = {
    fileId,
    organizationId: "org-1",
    filename: "a.jsonl",
    purpose: "batch",
    lifeSeconds: 3600,
  } as const
  await files.finish(file, written, { reserved: { id: fileId, bytes: 100 } })
  await queue.setPaused("openai", true, audit)
  await queue.setLimits("openai", { rpm: 60 }, audit)
  await queue.setWeight("org-1", 2, audit)
  await queue.providers()
  await queue.alerts.write(await queue.alerts.read(), NO_ALERTS, ["msg_alr_1_0"])
}

describeQueue("a script's keys", ({ open, store, kind }) => {
  // Upstash can then lock keys instead of the whole database, and a cluster can run it.
  test.runIf(kind === "redis")("are all declared, whatever it does", async () => {
    const queue = open({ settings: { providers: ["openai", "anthropic"] } })
    const monitor = store().redis.duplicate()
    await monitor.connect()
    const lines: string[] = []
    try {
      await monitor.monitor((line) => void lines.push(String(line)))
      await runEverything(queue, store())
      await store().redis.ping("the end")
      await eventually(() => lines.some((line) => line.includes('"the end"')))
    } finally {
      monitor.destroy()
    }
    const runs = groupRuns(lines)
    const nameOf = (sha: string) =>
      Object.keys(scripts).find((name) => scriptSha(name as keyof typeof scripts) === sha)
    expect([...new Set(runs.map(({ sha }) => nameOf(sha)))].sort()).toEqual(Object.keys(scripts).sort())
    expect(runs.flatMap(({ touched }) => touched).length).toBeGreaterThan(200)
    for (const { sha, declared, touched } of runs) {
      expect(
        touched.filter((key) => !declared.includes(key)),
        nameOf(sha),
      ).toEqual([])
    }
  })
})
