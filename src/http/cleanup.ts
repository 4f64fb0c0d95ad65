import { CleanupBody } from "../core/contracts/parameters.ts"
import { check, invalid } from "../core/contracts/problem.ts"
import { auditEntry } from "./audit.ts"
import { readOptionalJson } from "./body.ts"
import type { App, AppContext } from "./context.ts"
import { resource, servicesOf } from "./resource.ts"
import { MAX_SMALL_BYTES } from "./sizes.ts"

export function mountCleanup(app: App): void {
  resource(app, "/v1/cleanup", { POST: { scope: "admin", handle: postCleanup } })
}

async function postCleanup(c: AppContext): Promise<Response> {
  const { value } = await readOptionalJson(c, MAX_SMALL_BYTES)
  const read = check(CleanupBody, value)
  if (read.value === null) throw invalid("The body", read.problems)
  return c.json({ removed: await cleanUp(c, read.value.olderThanSeconds ?? null) })
}

/** A clean-up, noted in the audit. */
export async function cleanUp(c: AppContext, olderThanSeconds: number | null) {
  const { queue, access } = servicesOf(c)
  await access.audit(auditEntry(c, "queue.cleaned", null))
  return queue.cleanup(olderThanSeconds)
}
