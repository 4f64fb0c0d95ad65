import { describe, expect, it } from "vitest"
import { Hosts } from "../../src/webhooks/hosts.ts"
import { createTestClock } from "../helpers/queue.ts"

function scene() {
  const clock = createTestClock()
  const hosts = new Hosts(clock)
  const releases: (() => void)[] = []
  const take = (host: string) =>
    hosts.take(host, () => new Promise<string>((resolve) => releases.push(() => resolve("done"))))
  /** Ends the oldest call, which has lasted so long. */
  const end = async (lastedMs: number) => {
    clock.advance(lastedMs)
    releases.shift()?.()
    await Promise.resolve()
  }
  return { clock, hosts, take, end }
}

describe("the calls of a host", () => {
  it("are two at once; others are sent away until there may be a place, one after another", async () => {
    const { clock, take, end } = scene()
    const calls = [take("a"), take("a")]
    const sentAway = [await take("a"), await take("a"), await take("a")]
    expect(sentAway).toEqual([250, 500, 750].map((ms) => ({ comeBackAt: clock() + ms })))
    await end(100)
    expect(await calls[0]).toBe("done")
    const third = take("a")
    await end(0)
    await end(0)
    expect(await Promise.all([...calls, third])).toEqual(["done", "done", "done"])
  })

  it("are one at a time where the last one was slow", async () => {
    const { clock, take, end } = scene()
    const slow = take("a")
    await end(15_000)
    await slow
    void take("a")
    expect(await take("a")).toEqual({ comeBackAt: clock() + 15_000 })
    expect(await take("a")).toEqual({ comeBackAt: clock() + 30_000 })
  })

  it("are nobody else's matter", async () => {
    const { take, end } = scene()
    for (const host of ["a", "a", "b", "b"]) void take(host)
    const other = take("c")
    for (let each = 0; each < 5; each++) await end(1)
    expect(await other).toBe("done")
  })

  it("count no more when they have failed", async () => {
    const { hosts } = scene()
    const fail = () => hosts.take("a", () => Promise.reject(new Error("it failed")))
    for (let each = 0; each < 5; each++) await expect(fail()).rejects.toThrow("it failed")
  })
})
