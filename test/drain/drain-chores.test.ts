import { describe, expect, test } from "vitest"
import { deciding } from "./deciding.ts"

/** Chores beside a drain on a free plan: what they are granted, and their end. */
function beside() {
  const granted: number[] = []
  let end: (used: number) => void = () => undefined
  const seeToChores = (subrequests: number) => {
    granted.push(subrequests)
    return new Promise<number>((resolve) => {
      end = resolve
    })
  }
  const { drain, hold } = deciding({ subrequestLimit: 50, seeToChores })
  return {
    ...{ drain, hold, granted },
    async endWith(used: number) {
      end(used)
      await drain.chores
    },
  }
}

describe("chores beside a drain", () => {
  test("get a third of the invocation's subrequests, however often claims tell of some", async () => {
    const { drain, granted, endWith } = beside()
    for (let claims = 0; claims < 10; claims++) {
      drain.seeToChores()
      drain.seeToChores()
      await endWith(Math.min(6, granted.at(-1) ?? 0))
    }
    expect(granted).toEqual([16, 10, 4])
  })

  test("take nothing that calls and their settling need, and nothing is claimed on what they may need", async () => {
    const { drain, hold, granted, endWith } = beside()
    const spare = () => drain.budget.spare({ uncalled: 0, running: 0, unsettledTrips: 0 })
    const before = spare()
    drain.seeToChores()
    expect(granted).toEqual([16])
    expect(spare()).toBe(before - 16)
    await endWith(2)
    expect(spare()).toBe(before - 2)
    // Each of them is a call, and a settling.
    for (let i = 0; i < before / 2 - 3; i++) hold()
    drain.seeToChores()
    expect(granted.at(-1)).toBeLessThanOrEqual(6)
  })
})
