import { type AIRequestQueueClient, addTotals, NO_TOTALS, type SweepTotals } from "../../../client/client.ts"

/** Dead letters by their groups, from so many pages at most: counting costs commands too. */
export async function countSome(
  client: AIRequestQueueClient,
  verb: "replay" | "discard",
  pages: number,
  signal: AbortSignal,
): Promise<{ totals: SweepTotals; isAll: boolean }> {
  let totals = NO_TOTALS
  let cursor: string | undefined
  for (let page = 0; page < pages; page++) {
    const { nextCursor, ...counted } = await client.sweepPage(
      verb,
      {},
      {
        ...{ dryRun: true, limit: 200, signal },
        ...(cursor !== undefined && { cursor }),
      },
    )
    totals = addTotals(totals, counted)
    if (nextCursor === null) return { totals, isAll: true }
    cursor = nextCursor
  }
  return { totals, isAll: false }
}
