import fc from "fast-check"
import { afterEach, describe, expect, test, vi } from "vitest"
import { createTimers } from "../../src/core/timers.ts"

describe("timers that are not cleared", () => {
  afterEach(() => void vi.useRealTimers())

  const wait = fc.record({ ms: fc.integer({ min: 0, max: 3000 }), setAt: fc.integer({ min: 0, max: 2000 }) })
  const waits = fc.array(fc.record({ wait, cancelAt: fc.option(fc.integer({ min: 0, max: 5000 })) }), {
    maxLength: 30,
  })

  test("fire at their instants and in their order, but for those taken back before", () => {
    fc.assert(
      fc.property(waits, (all) => {
        vi.useFakeTimers()
        const native = vi.spyOn(globalThis, "clearTimeout")
        const setTimer = createTimers()
        const fired: [id: number, at: number][] = []
        const start = performance.now()
        const cancels = new Map<number, () => void>()
        for (let at = 0; at <= 5000; at++) {
          for (const [id, { wait, cancelAt }] of all.entries()) {
            if (cancelAt === at) cancels.get(id)?.()
            if (wait.setAt !== at) continue
            cancels.set(
              id,
              setTimer(() => fired.push([id, performance.now() - start]), wait.ms),
            )
          }
          vi.advanceTimersByTime(1)
        }
        const expected = all.flatMap(({ wait: { setAt, ms }, cancelAt }, id): [number, number][] => {
          const dueAt = setAt + ms
          const isTakenBack = cancelAt !== null && cancelAt > setAt && cancelAt < dueAt
          return isTakenBack ? [] : [[id, dueAt]]
        })
        expect(fired.map(([, at]) => at)).toEqual(fired.map(([, at]) => at).sort((a, b) => a - b))
        expect([...fired].sort(([a], [b]) => a - b)).toEqual(expected)
        expect(native).not.toHaveBeenCalled()
        vi.advanceTimersByTime(1000)
        expect(vi.getTimerCount()).toBe(0)
      }),
      { numRuns: 50 },
    )
  })

  test("one that throws tells the runtime, and holds up no other", () => {
    vi.useFakeTimers()
    const setTimer = createTimers()
    const fired: string[] = []
    const fail = (name: string) => () => {
      fired.push(name)
      throw new Error(name)
    }
    setTimer(fail("first"), 10)
    setTimer(fail("second"), 10)
    setTimer(() => fired.push("third"), 10)
    setTimer(() => fired.push("last"), 3000)
    expect(() => vi.advanceTimersByTime(10)).toThrow("first")
    expect(() => vi.advanceTimersByTime(1)).toThrow("second")
    vi.advanceTimersByTime(5000)
    expect(fired).toEqual(["first", "second", "third", "last"])
  })

  test("one can take back another of the same instant, and set new ones", () => {
    vi.useFakeTimers()
    const setTimer = createTimers()
    const fired: string[] = []
    setTimer(() => {
      cancel()
      setTimer(() => fired.push("new"), 20)
    }, 10)
    const cancel = setTimer(() => fired.push("taken back"), 10)
    vi.advanceTimersByTime(30)
    expect(fired).toEqual(["new"])
  })

  test("on a real clock they are no sooner than the runtime's own, and hardly later", async () => {
    const setTimer = createTimers()
    const lateness = (ms: number) =>
      new Promise<{ own: number; late: number }>((resolve) => {
        const dueAt = performance.now() + ms
        const { promise: own, resolve: fireOwn } = Promise.withResolvers<number>()
        setTimeout(() => fireOwn(performance.now() - dueAt), ms)
        setTimer(() => {
          const late = performance.now() - dueAt
          void own.then((own) => resolve({ own, late }))
        }, ms)
      })
    const all = await Promise.all([0, 1, 5, 40, 250, 999, 1000, 1001, 1400].map(lateness))
    for (const { own, late } of all) {
      expect(late).toBeGreaterThanOrEqual(0)
      // What the machine is late with, both are.
      expect(late - own).toBeLessThan(50)
    }
  })
})
