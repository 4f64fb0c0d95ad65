import { readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { PRIORITIES } from "../../src/core/request.ts"
import { decodeRecord, encodeRecord, newRecord } from "../../src/queue/record.ts"
import { levelOf, scoreOf } from "../../src/queue/score.ts"
import { describeQueue } from "../helpers/queue-suite.ts"

const lua = (name: string) =>
  readFileSync(new URL(`../../src/queue/lua/include/${name}.lua`, import.meta.url), "utf8")

/** What is written down once in TypeScript and once in Lua has to be the same. */
describe("twins in Lua", () => {
  test("the head start of each priority, and the most that retries cost", () => {
    const list = /local HEAD_START_MS = \{([^}]*)\}/.exec(lua("lines"))?.[1] ?? ""
    const headStarts = list.split(",").map(Number)
    expect(headStarts).toHaveLength(PRIORITIES.length)
    for (const priority of PRIORITIES) {
      expect(headStarts[levelOf(priority) - 1]).toBe(-scoreOf(priority, 0, 0, 0))
    }
    const most = Number(/local MAX_PENALTY_MS = (\d+)/.exec(lua("lines"))?.[1])
    expect(scoreOf("low", 0, 1000, 60_000) - scoreOf("low", 0, 0, 0)).toBe(most)
  })

  test("the most that retries cost is less than what lies between any two levels", () => {
    const scores = PRIORITIES.map((priority) => scoreOf(priority, 0, 0, 0))
    const gaps = scores.slice(1).map((score, i) => score - (scores[i] ?? 0))
    expect(scoreOf("low", 0, 1000, 800_000) - scoreOf("low", 0, 0, 0)).toBeLessThan(Math.min(...gaps))
  })

  test("scores are whole numbers that Lua prints exactly, until the year 2286", () => {
    const latest = 9_999_999_999_999
    for (const priority of PRIORITIES) {
      for (const retries of [0, 1, 10]) {
        const score = scoreOf(priority, latest, retries, 60_000)
        expect(Number.isSafeInteger(score)).toBe(true)
        expect(String(Math.abs(score)).length).toBeLessThanOrEqual(14)
      }
    }
  })

  const asked = {
    ...{ line: "local-llm", level: 4, organization: "Org_1.x-y", createdAt: 1_795_502_750_000 },
    ...{ scheduledAt: 1_795_502_757_582, dueAt: 1_795_502_757_582, bytes: 1_048_576 },
    ...{ tokens: 250_000, timeoutMs: 600_000, deadlineAt: 1_795_502_957_582, resultTtlSeconds: 86_400 },
    ...{ model: "m", targets: "o local-llm/a%7Cb%20c/1 openai/gpt/1" },
    ...{ maxRetries: 9, simulated: 1, metadata: 1, callback: "cx", batch: "batch_1" },
    trace: "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  }
  const records = {
    fresh: newRecord(asked),
    used: {
      ...newRecord(asked),
      effectiveAt: 1_795_502_757_600,
      ...{ attempt: 4, retries: 2, timeouts: "1.2.1", lost: 1, replays: 3, startedAt: 1_795_502_757_583 },
      ...{ owner: "lane-3:17", op: "0123456789abcdef.12", provider: "local-llm" },
      ...{ history: "1:1795502757582:1795502757590:1;3:1795502757600:1795502757700:2" },
      ...{
        target: 2,
        avoid: "1",
        circuit: "7",
        watchedUntil: 1_795_502_790_000,
        dueAgainAt: 1_795_502_757_599,
      },
    },
  }
  test.each(Object.entries(records))("a %s record comes back as it was packed", (_, record) => {
    expect(decodeRecord(encodeRecord(record))).toEqual(record)
  })

  describeQueue("a record in a script", ({ open }) => {
    test.each(Object.entries(records))("a %s one is read and packed alike", async (_, record) => {
      const script = `${lua("record")}\nlocal record = decode(ARGV[1])\nreturn { encode(record), cjson.encode(record) }`
      const packed = encodeRecord(record)
      const [again, read = ""] = await open().redis.sendCommand<string[]>(["EVAL", script, "0", packed])
      expect(again).toBe(packed)
      const { before, behind, ...fields } = JSON.parse(read) as Record<string, string>
      const told = Object.keys(fields) as (keyof typeof record)[]
      expect(told.length).toBeGreaterThan(25)
      expect(fields).toEqual(Object.fromEntries(told.map((field) => [field, String(record[field])])))
    })
  })
})
