import { createInterface } from "node:readline"
import { setTimeout as wait } from "node:timers/promises"

/** One side of the comparison, in a process of its own: what is done with it is the same for all. */
export interface Contender {
  /** Stores one request. */
  add(): Promise<unknown>
  /** Stores so many in one call. */
  addMany(count: number): Promise<unknown>
  /**
   * Starts workers with a no-op processor that do so many at once, as many as they do by default when that is not given. Tells
   * of each that has been recorded. Gives what closes them.
   */
  startWorkers(onCompleted: () => void, atOnce?: number): Promise<() => Promise<unknown>>
  close(): Promise<unknown>
}

/** `amount`: how many at once, how many in a call, or for how long, ms. */
export interface Round {
  act: "addSingly" | "addInBulk" | "work" | "idle"
  count: number
  amount: number
}

/** What travels: a prompt of 1 kB. */
export const PROMPT = "What does the edge do for a queue? ".repeat(30).slice(0, 1024)

type Act = (contender: Contender, count: number, amount: number) => Promise<unknown>

const ACTS: Record<Round["act"], Act> = {
  addSingly: async ({ add }, count, atOnce) => {
    let left = count
    const addOn = async () => {
      while (left-- > 0) await add()
    }
    await Promise.all(Array.from({ length: atOnce }, addOn))
  },
  addInBulk: async ({ addMany }, count, bulk) => {
    for (let left = count; left > 0; left -= bulk) await addMany(Math.min(left, bulk))
  },
  work: async ({ startWorkers }, count, atOnce) => {
    const { promise: isDone, resolve } = Promise.withResolvers<void>()
    let left = count
    const close = await startWorkers(() => {
      left -= 1
      if (left === 0) resolve()
    }, atOnce)
    await isDone
    await close()
  },
  idle: async ({ startWorkers }, _count, ms) => {
    const close = await startWorkers(() => {})
    await wait(ms)
    await close()
  },
}

/** Reads rounds as JSON lines from the standard input, and answers each with how long it took, ms. */
export async function serveRounds(contender: Contender): Promise<void> {
  for await (const line of createInterface(process.stdin)) {
    const { act, count, amount } = JSON.parse(line) as Round
    const startedAt = performance.now()
    await ACTS[act](contender, count, amount)
    console.log(performance.now() - startedAt)
  }
  await contender.close()
}
