import { describe, expect, test } from "vitest"
import { handBack } from "../../src/drain/decide-outcome.ts"
import type { Steer } from "../../src/drain/drain.ts"
import { claimedRequest } from "./claimed.ts"
import { answer, deciding } from "./deciding.ts"

describe("a drain claims", () => {
  test("first of all, what can start within two seconds if a call holds its connection for one", () => {
    const { drain } = deciding()
    expect(drain.nextStep()).toEqual({
      kind: "turn",
      group: null,
      claim: { owner: "test", limit: 8, soon: 4, maxBytes: 4_194_304, maxTimeoutMs: 870_000 },
    })
  })

  test("no more than can start within two seconds at its present pace, of limited providers within half of one", async () => {
    const { drain, advance, hold, found } = deciding({ concurrency: 200 })
    for (let i = 0; i < 30; i++) {
      const release = await drain.slots.acquire()
      advance(400)
      release()
    }
    // Four slots, each held for a little over 400 ms: nearly twenty, and four.
    const [startable, soon] = [drain.slots.expectedWithin(2000), drain.slots.expectedWithin(500)]
    expect([startable, soon]).toEqual([19, 4])
    expect(drain.nextStep()).toMatchObject({ claim: { limit: startable, soon } })
    found(8, 100)
    for (let i = 0; i < 4; i++) await drain.slots.acquire()
    for (let i = 0; i < 6; i++) {
      hold()
      void drain.slots.acquire()
    }
    drain.appetite.kick()
    expect(drain.nextStep()).toMatchObject({ kind: "turn", claim: { limit: startable - 6, soon: 0 } })
    // They hang: two in two seconds, and six wait already.
    advance(4000)
    expect(drain.slots.expectedWithin(2000)).toBe(2)
    drain.appetite.kick()
    expect(drain.nextStep()).not.toMatchObject({ kind: "turn" })
  })

  test("what is left over as soon as nothing waits for a connection, though all calls still run", async () => {
    const { drain, hold, found } = deciding()
    hold()
    const releases = await Promise.all([1, 2, 3, 4].map(() => drain.slots.acquire()))
    void drain.slots.acquire()
    found(5, 10)
    expect(drain.nextStep()).toMatchObject({ kind: "rest" })
    const resting = drain.bell.rest(60_000)
    for (const release of releases) release()
    await resting
    expect(drain.nextStep()).toMatchObject({ kind: "turn", group: null, claim: { soon: 4 } })
  })

  test("along with answers, when there is room; they are gathered for 50 ms", () => {
    const { drain, advance, hold, found, answered } = deciding({ concurrency: 2 })
    found(2, 10)
    hold()
    answered()
    expect(drain.nextStep()).toEqual({ kind: "rest", ms: 50 })
    advance(49)
    expect(drain.nextStep()).toEqual({ kind: "rest", ms: 1 })
    advance(1)
    expect(drain.nextStep()).toMatchObject({ kind: "turn", group: { isFresh: true }, claim: { limit: 1 } })
  })

  test("nothing along with answers while claims fail", () => {
    const { drain, advance, hold, answered, found } = deciding()
    found(1, 10)
    hold()
    answered()
    drain.appetite.failed(1_000_000)
    advance(250)
    expect(drain.nextStep()).toMatchObject({ kind: "turn", group: { isFresh: true }, claim: null })
    advance(1000)
    expect(drain.nextStep()).toMatchObject({ kind: "turn", group: null, claim: { limit: 8 } })
  })

  test("again when a store that was away for long answers", () => {
    const { drain, advance, hold } = deciding()
    hold()
    for (let i = 0; i < 3; i++) drain.appetite.failed(1_000_000)
    advance(60_000)
    expect(drain.nextStep()).not.toMatchObject({ kind: "turn" })
    drain.appetite.answered()
    expect(drain.nextStep()).toMatchObject({ kind: "turn", claim: { limit: 8 } })
  })

  test("no sooner because a claim that found nothing says that something is left", () => {
    const { drain, found } = deciding()
    found(0, 5)
    expect(drain.nextStep()).toEqual({ kind: "end" })
  })

  test("nothing while it has 16 MiB of bodies in hand", () => {
    const { drain, found } = deciding()
    found(1, 10)
    const claimed = claimedRequest()
    const messages = [{ role: "user" as const, content: "x".repeat(15 * 1024 * 1024) }]
    drain.hand.take({ ...claimed, body: { ...claimed.body, messages } }, 0)
    const step = drain.nextStep()
    expect(step).toMatchObject({ kind: "turn" })
    expect(step.kind === "turn" && step.claim?.maxBytes).toBeLessThan(1024 * 1024)
    const held = drain.hand.take({ ...claimed, body: { ...claimed.body, messages } }, 0)
    expect(drain.nextStep()).not.toMatchObject({ kind: "turn" })
    drain.hand.drop(held)
    drain.hand.drop(held)
    expect(drain.nextStep()).toEqual(step)
  })

  test("no more when it is told to stop, and at once when told to look", () => {
    let order: ReturnType<Steer> = "go_on"
    const { drain, hold, found } = deciding({ steer: () => order })
    found(1, 0)
    hold()
    expect(drain.nextStep()).toMatchObject({ kind: "rest" })
    order = "look"
    expect(drain.nextStep()).toMatchObject({ kind: "turn", claim: { limit: 8 } })
    order = "stop"
    expect(drain.nextStep()).toMatchObject({ kind: "rest" })
  })

  test("nothing that could not be called and settled any more", () => {
    const asked: boolean[] = []
    const { drain, hold } = deciding({
      subrequestLimit: 50,
      steer: ({ canClaim }) => {
        asked.push(canClaim)
        return "go_on"
      },
    })
    expect(drain.nextStep()).toMatchObject({ claim: { limit: 8 } })
    for (let i = 0; i < 21; i++) hold()
    drain.budget.spend(2)
    expect(drain.nextStep()).toMatchObject({ kind: "rest" })
    expect(asked).toEqual([true, false])
  })
})

describe("a drain settles", () => {
  test("a full group at once, and what nothing will join", () => {
    const { drain, hold, answered, found } = deciding()
    found(0, 0)
    const held = hold()
    for (let i = 0; i < 19; i++) answered()
    expect(drain.nextStep()).toMatchObject({ kind: "rest" })
    answered()
    const full = drain.nextStep()
    expect(full.kind === "turn" && full.group?.settlements.length).toBe(20)
    answered()
    expect(drain.nextStep()).toMatchObject({ kind: "rest" })
    drain.hand.drop(held)
    const last = drain.nextStep()
    expect(last.kind === "turn" && last.group?.settlements.length).toBe(1)
  })

  test("no more than 8 MB together", () => {
    const { drain } = deciding()
    for (let i = 0; i < 3; i++) {
      const { lease } = claimedRequest()
      const settlement = handBack(lease)
      const response = answer("x".repeat(3_000_000))
      drain.outbox.add({ ...settlement, result: { ...settlement.result, response } }, 0)
    }
    expect(drain.outbox.trips).toBe(2)
    const sizes = [0, 0].map(() => {
      const step = drain.nextStep()
      return step.kind === "turn" && step.group?.settlements.length
    })
    expect(sizes).toEqual([2, 1])
  })

  test("less often when subrequests are short, but long before the leases end", () => {
    const { drain, advance, hold, answered } = deciding({ subrequestLimit: 20 })
    hold()
    drain.budget.spend(13)
    answered()
    expect(drain.nextStep()).toMatchObject({ kind: "rest", ms: 1000 })
    advance(4999)
    expect(drain.nextStep()).toMatchObject({ kind: "rest" })
    advance(1)
    expect(drain.nextStep()).toMatchObject({ kind: "turn", claim: null })
  })

  test("what failed apart from claims, in ever smaller groups, behind what did not", () => {
    const { drain, advance, hold, answered, found } = deciding()
    found(1, 0)
    hold()
    for (let i = 0; i < 20; i++) answered()
    const next = () => {
      const step = drain.nextStep()
      if (step.kind !== "turn") throw new Error(step.kind)
      return step
    }
    const turns: [size: number | undefined, claims: boolean][] = []
    for (let i = 0; i < 6; i++) {
      const { group, claim } = next()
      turns.push([group?.settlements.length, claim !== null])
      group?.failed(1_000_000)
      advance(10_000)
    }
    const five = [5, false]
    expect(turns).toEqual([[20, true], five, five, five, five, [1, false]])
    answered()
    expect(next().group).toMatchObject({ isFresh: true, settlements: [{}] })
  })
})
