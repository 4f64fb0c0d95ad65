import { describe, expect, test } from "vitest"
import { deciding } from "./deciding.ts"

describe("a drain looks for lost leases", () => {
  test("every two seconds, those held for longer than one", () => {
    const { drain, advance, hold, found } = deciding()
    found(1, 0)
    const first = hold()
    first.called = true
    expect(drain.nextStep()).toMatchObject({ kind: "rest" })
    advance(1001)
    hold().called = true
    advance(999)
    expect(drain.nextStep()).toEqual({ kind: "look", leases: [first.claimed.lease], atProviders: false })
    advance(999)
    expect(drain.nextStep()).toMatchObject({ kind: "rest" })
    advance(1001)
    expect(drain.nextStep()).toMatchObject({ leases: [{}, {}] })
  })

  test("and every half second for providers that are shut by now, while something has waited for as long", () => {
    const { drain, advance, hold, found } = deciding()
    found(1, 0)
    const held = hold()
    advance(499)
    expect(drain.nextStep()).toMatchObject({ kind: "rest" })
    advance(1)
    expect(drain.nextStep()).toEqual({ kind: "look", leases: [], atProviders: true })
    expect(drain.nextStep()).toMatchObject({ kind: "rest" })
    advance(500)
    expect(drain.nextStep()).toMatchObject({ kind: "look", atProviders: true })
    held.called = true
    advance(500)
    expect(drain.nextStep()).toMatchObject({ kind: "rest" })
  })

  test("spending a quarter of its subrequests on it at most", () => {
    const { drain, advance, hold, found } = deciding({ subrequestLimit: 50 })
    found(1, 0)
    hold()
    let looks = 0
    for (let i = 0; i < 100; i++) {
      advance(2000)
      if (drain.nextStep().kind === "look") looks += 1
    }
    expect(looks).toBe(12)
  })
})

describe("a drain ends", () => {
  test("when nothing is in hand and nothing comes within two seconds", () => {
    const { drain, found } = deciding()
    found(0, 0, 1_002_000)
    expect(drain.nextStep()).toMatchObject({ kind: "rest" })
    found(0, 0, 1_002_001)
    expect(drain.nextStep()).toEqual({ kind: "end" })
    found(0, 0, null)
    expect(drain.nextStep()).toEqual({ kind: "end" })
  })

  test("after three looks in a row that found nothing, whatever they were promised", () => {
    const { drain, advance, found } = deciding()
    const waits: number[] = []
    for (let i = 0; i < 5; i++) {
      found(0, 0, 1)
      const step = drain.nextStep()
      if (step.kind !== "rest") break
      waits.push(step.ms)
      advance(step.ms)
      expect(drain.nextStep()).toMatchObject({ kind: "turn" })
    }
    expect(waits).toEqual([200, 800])
    expect(drain.nextStep()).toEqual({ kind: "end" })
  })

  test("no later than it was promised something, though claims along with answers found nothing before", () => {
    const { drain, advance, found, hold } = deciding()
    hold()
    for (let i = 0; i < 5; i++) found(0, 0, 1_001_000)
    expect(drain.nextAt).toBe(1_001_000)
    advance(1000)
    expect(drain.nextStep()).toMatchObject({ kind: "turn", claim: {} })
  })

  test("with an answer that could not be saved only when its time or its subrequests are over", () => {
    const { drain, advance, found, answered } = deciding()
    found(0, 0)
    answered()
    const step = drain.nextStep()
    if (step.kind !== "turn") throw new Error(step.kind)
    step.group?.failed(1_000_000)
    expect(drain.nextStep()).toMatchObject({ kind: "rest" })
    advance(900_000)
    expect(drain.nextStep()).toEqual({ kind: "end" })
    expect(drain.outbox.drop()).toHaveLength(1)
  })
})
