/**
 * How a key is copied, by its name without the prefix.
 * `request`: it is a request's own, or an index that is made anew from them. `recent`: the same, and tells which there are.
 * `early`: read before requests, so that what it speaks of is among them: an idempotency key, a batch. `late`: read after
 * them: what remains to be done for those that have ended. `passing`: over in minutes. `plain`: whatever else there is.
 */
export type Treatment = "request" | "recent" | "early" | "late" | "meta" | "passing" | "plain"

const TREATMENTS: Record<string, Treatment> = {
  meta: "meta",
  ...{ live: "request", line: "request", scheduled: "request", leases: "request", deadlines: "request" },
  ...{ metadata: "request", body: "request", attempts: "request", outcome: "request", finished: "request" },
  recent: "recent",
  ...{ idem: "early", batch: "early" },
  chores: "late",
  ...{ rate: "passing", partial: "passing" },
}

export function treatmentOf(name: string): Treatment {
  return TREATMENTS[name.split(":", 1)[0] ?? ""] ?? "plain"
}

/** Those that never stand still: a scan of keys may miss one that is emptied and filled again while it goes on. */
export const ALWAYS_THERE = ["chores", "webhook-secrets", "keys", "audit"]
