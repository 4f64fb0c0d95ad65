import { CleanupBody } from "../core/contracts/parameters.ts"
import { check, invalid } from "../core/contracts/problem.ts"
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
  return c.json({ removed: await servicesOf(c).queue.cleanup(read.value.olderThanSeconds ?? null) })
}
