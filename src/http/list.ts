import { requireOrganization, tenantOf } from "../auth/principal.ts"
import { ListQuery } from "../core/contracts/parameters.ts"
import { invalid, problem } from "../core/contracts/problem.ts"
import type { AppContext } from "./context.ts"
import { readQuery } from "./query.ts"
import { servicesOf } from "./resource.ts"

/** `GET /v1/requests`: newest first, page by page, without responses. */
export async function listRequests(c: AppContext): Promise<Response> {
  const principal = c.get("principal")
  const { state = null, limit, cursor = null, organizationId: named, ...filter } = readQuery(c, ListQuery)
  const organizationId = named ?? tenantOf(principal)
  if (state === null && organizationId === null) {
    throw invalid("The query", [
      problem(["state"], "or organizationId is required with a key for all organizations"),
    ])
  }
  if (organizationId !== null) requireOrganization(principal, organizationId)
  const page = await servicesOf(c).queue.list({ state, organizationId, filter, limit, cursor })
  const data = page.data.map(({ response: _, ...request }) => request)
  return c.json({ data, nextCursor: page.nextCursor })
}
