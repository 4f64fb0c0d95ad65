import { expect } from "vitest"
import type { RequestFilter } from "../../src/core/request-filter.ts"
import type { SweepPage, SweepVerb } from "../../src/core/sweep.ts"
import type { SweepOptions } from "../../src/queue/sweep-contract.ts"
import type { TestQueue } from "../helpers/queue.ts"

type Asked = Partial<SweepOptions> & { betweenPages?: () => Promise<unknown> }

/** All pages until there is no cursor. */
export async function walk(queue: TestQueue, verb: SweepVerb, filter: RequestFilter, asked: Asked = {}) {
  const { betweenPages = async () => undefined, ...options } = asked
  const pages: SweepPage[] = []
  for (let cursor: string | null = null; pages.length < 200; ) {
    const page: SweepPage = await queue.sweep({
      ...{ verb, filter, limit: 100, dryRun: false, cursor },
      ...options,
    })
    expect(page.done + page.skipped).toBe(options.dryRun ? 0 : page.matched)
    pages.push(page)
    if (page.nextCursor === null) return totalsOf(pages)
    expect(page.nextCursor).not.toBe(cursor)
    cursor = page.nextCursor
    await betweenPages()
  }
  throw new Error("the pages never end")
}

function totalsOf(pages: SweepPage[]) {
  const sum = (name: "matched" | "done" | "skipped" | "examined") =>
    pages.reduce((total, page) => total + page[name], 0)
  return {
    ...{ matched: sum("matched"), done: sum("done"), skipped: sum("skipped"), examined: sum("examined") },
    pages: pages.length,
  }
}
