import { createInterface } from "node:readline"

/** What each side of the comparison can do, in a process of its own. */
export interface Contender {
  /** Stores requests one by one, so many calls at once. */
  addSingly(count: number, atOnce: number): Promise<void>
  /** Stores requests in calls of so many, one after another. */
  addInBulk(count: number, bulk: number): Promise<void>
  /** Starts a worker with a no-op processor; resolves when it has recorded so many, and has been closed. */
  work(count: number, atOnce: number): Promise<void>
  /** Starts so many workers, which find nothing for so long, ms, and closes them. */
  idle(workers: number, ms: number): Promise<void>
  close(): Promise<void>
}

/** One round: `amount` is how many at once, how many in a call, or ms. */
export interface Round {
  act: "addSingly" | "addInBulk" | "work" | "idle"
  count: number
  amount: number
}

/** What travels: a prompt of 1 kB. */
export const PROMPT = "What does the edge do for a queue? ".repeat(30).slice(0, 1024)

/** Reads rounds as JSON lines from the standard input, and answers each with how long it took, ms. */
export async function serveRounds(contender: Contender): Promise<void> {
  for await (const line of createInterface(process.stdin)) {
    const { act, count, amount } = JSON.parse(line) as Round
    const startedAt = performance.now()
    await contender[act](count, amount)
    console.log(performance.now() - startedAt)
  }
  await contender.close()
}
