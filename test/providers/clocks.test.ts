import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { createTimers, type SetTimer, setPlainTimer } from "../../src/core/timers.ts"
import { CallClocks, CLOCK_LIMITS } from "../../src/providers/clocks.ts"

const SECOND = 1000

describe.each([
  { timers: "the runtime's timers", make: () => setPlainTimer, leftForMs: 0 },
  { timers: "timers that are not cleared", make: createTimers, leftForMs: 1000 },
])("the clocks of a call with $timers", ({ make, leftForMs }) => {
  let setTimer: SetTimer
  beforeEach(() => {
    vi.useFakeTimers()
    setTimer = make()
  })
  afterEach(() => {
    vi.advanceTimersByTime(leftForMs)
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  const start = (timeoutMs: number, caller = new AbortController()) => {
    const clocks = new CallClocks(timeoutMs, caller.signal, CLOCK_LIMITS, setTimer)
    const endedAfter = (ms: number) => {
      vi.advanceTimersByTime(ms - 1)
      expect(clocks.ended).toBeNull()
      vi.advanceTimersByTime(1)
      return clocks.ended
    }
    return { clocks, caller, endedAfter }
  }

  test("the first content may take 300 s", () => {
    expect(start(600 * SECOND).endedAfter(300 * SECOND)).toBe("first_event")
  })

  test("a shorter timeout is the end of all clocks", () => {
    expect(start(30 * SECOND).endedAfter(30 * SECOND)).toBe("total")
  })

  test("after content, 60 s without any are too long", () => {
    const { clocks, endedAfter } = start(600 * SECOND)
    vi.advanceTimersByTime(10 * SECOND)
    clocks.content()
    vi.advanceTimersByTime(59 * SECOND)
    clocks.content()
    expect(endedAfter(60 * SECOND)).toBe("idle")
  })

  test("the total ends what always has content, and a piece of content costs no timer", () => {
    const set = vi.fn(setTimer)
    setTimer = set
    const { clocks, endedAfter } = start(600 * SECOND)
    for (let second = 0; second < 599; second++) {
      for (let piece = 0; piece < 10; piece++) clocks.content()
      vi.advanceTimersByTime(SECOND)
    }
    expect(endedAfter(SECOND)).toBe("total")
    expect(set.mock.calls.length).toBeLessThan(20)
  })

  test("the caller's abort ends it, once, and releases what a read holds", () => {
    const { clocks, caller } = start(600 * SECOND)
    const release = vi.fn()
    clocks.onEnd(release)
    caller.abort()
    vi.advanceTimersByTime(600 * SECOND)
    expect(clocks.ended).toBe("aborted")
    expect(clocks.signal.aborted).toBe(true)
    expect(release).toHaveBeenCalledTimes(1)
  })

  test("what is held after the end is released at once", () => {
    const { clocks, caller } = start(600 * SECOND)
    caller.abort()
    const release = vi.fn()
    clocks.onEnd(release)
    expect(release).toHaveBeenCalledTimes(1)
  })

  test.each(["total", "first_event"] as const)(
    "after a standstill past %s, what arrived meanwhile is read first",
    (clock) => {
      const { clocks, endedAfter } = start(clock === "total" ? 30 * SECOND : 600 * SECOND)
      vi.setSystemTime(Date.now() + 60 * SECOND)
      vi.advanceTimersByTime(clock === "total" ? 30 * SECOND : 300 * SECOND)
      expect(clocks.ended).toBeNull()
      expect(endedAfter(SECOND)).toBe(clock)
    },
  )

  test("content after a standstill gives no more than a second beyond the total", () => {
    const { clocks, endedAfter } = start(30 * SECOND)
    vi.setSystemTime(Date.now() + 60 * SECOND)
    vi.advanceTimersByTime(30 * SECOND)
    for (let i = 0; i < 3; i++) clocks.content()
    expect(endedAfter(SECOND)).toBe("total")
  })

  test("once stopped, nothing ends it any more", () => {
    const { clocks, caller } = start(SECOND)
    clocks.stop()
    caller.abort()
    vi.advanceTimersByTime(10 * SECOND)
    expect(clocks.ended).toBeNull()
    expect(clocks.signal.aborted).toBe(false)
  })
})
