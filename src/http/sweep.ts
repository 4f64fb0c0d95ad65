import { requireOrganization, tenantOf } from "../auth/principal.ts"
import type { Scope } from "../core/contracts/access.ts"
import { invalid } from "../core/contracts/problem.ts"
import { readSweep } from "../core/contracts/sweep.ts"
import { SWEEPS, type SweepVerb } from "../core/sweep.ts"
import type { Swept } from "../queue/sweep-contract.ts"
import { auditEntry } from "./audit.ts"
import { readJson } from "./body.ts"
import type { App, AppContext } from "./context.ts"
import { afterAnswer, resource, servicesOf, wakeLanes } from "./resource.ts"
import { MAX_SMALL_BYTES } from "./sizes.ts"

/** As of the operation on one request. */
const RULES: Record<SweepVerb, { scope: Scope; action: string }> = {
  cancel: { scope: "cancel", action: "requests.cancelled" },
  replay: { scope: "enqueue", action: "requests.replayed" },
  discard: { scope: "cancel", action: "requests.discarded" },
}

/** Lanes look for themselves which of their calls are to end; those of so many are told at once. Each is a subrequest. */
const MOST_TOLD = 8

/** What is done to all requests that a filter holds for, page by page. */
export function mountSweeps(app: App): void {
  for (const verb of SWEEPS) {
    resource(app, `/v1/requests/${verb}`, {
      POST: { scope: RULES[verb].scope, handle: (c) => postSweep(c, verb) },
    })
  }
}

async function postSweep(c: AppContext, verb: SweepVerb): Promise<Response> {
  const principal = c.get("principal")
  const tenant = tenantOf(principal)
  const { value } = await readJson(c, MAX_SMALL_BYTES)
  const { asked, problems } = readSweep(verb, value, tenant === null)
  if (asked === null) throw invalid("The body", problems)
  const { limit, dryRun, cursor = null } = asked
  const organizationId = asked.filter.organizationId ?? tenant
  if (organizationId !== null) requireOrganization(principal, organizationId)
  const filter = { ...asked.filter, ...(organizationId !== null && { organizationId }) }
  const audit = auditEntry(c, RULES[verb].action, describe(filter))
  const swept = await servicesOf(c).queue.sweep({ verb, filter, limit, dryRun, cursor, audit })
  tellOthers(c, verb, swept)
  const { aborts: _, choresDue: __, ...page } = swept
  return c.json(page)
}

/** `all`, or `state=failed errorCode=timeout`. */
function describe(filter: object): string {
  const members = Object.entries(filter).map(([name, value]) => `${name}=${value}`)
  return members.length === 0 ? "all" : members.join(" ")
}

function tellOthers(c: AppContext, verb: SweepVerb, { done, aborts, choresDue }: Swept): void {
  const { lanes } = servicesOf(c)
  if (verb === "replay" && done > 0) wakeLanes(c)
  if (choresDue) afterAnswer(c, lanes.wakeChores())
  for (const { owner, requestId, attempt } of aborts.slice(0, MOST_TOLD)) {
    afterAnswer(c, lanes.abort(owner, requestId, attempt))
  }
}
