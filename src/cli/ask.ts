import { createInterface } from "node:readline/promises"
import type { Output } from "./output.ts"

/** Asks on the terminal, beside the results; anything but yes is no, also the end of the input. */
export async function ask({ err }: Output, question: string, signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: err })
  const closed = new Promise<string>((resolve) => terminal.once("close", () => resolve("")))
  try {
    const answer = await Promise.race([terminal.question(`${question} [y/N] `, { signal }), closed])
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    terminal.close()
  }
}
