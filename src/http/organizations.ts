import { ORGANIZATION_ID, ORGANIZATION_ID_RULE } from "../core/contracts/access.ts"
import { WeightBody } from "../core/contracts/parameters.ts"
import { check, invalid, problem } from "../core/contracts/problem.ts"
import { auditEntry } from "./audit.ts"
import { readJson } from "./body.ts"
import type { App, AppContext } from "./context.ts"
import { resource, servicesOf } from "./resource.ts"
import { MAX_SMALL_BYTES } from "./sizes.ts"

/** An organization's share beside the others'. Any can be given one, also before its first request. */
export function mountOrganizations(app: App): void {
  resource(app, "/v1/organizations/:organizationId", { PATCH: { scope: "admin", handle: changeWeight } })
}

async function changeWeight(c: AppContext): Promise<Response> {
  const organizationId = c.req.param("organizationId") ?? ""
  if (!ORGANIZATION_ID.test(organizationId)) {
    throw invalid("The path", [problem(["organizationId"], ORGANIZATION_ID_RULE)])
  }
  const { value } = await readJson(c, MAX_SMALL_BYTES)
  const read = check(WeightBody, value)
  if (read.value === null) throw invalid("The body", read.problems)
  const { weight } = read.value
  const audit = auditEntry(c, "organization.weight_changed", organizationId)
  await servicesOf(c).queue.setWeight(organizationId, weight, audit)
  return c.json({ organizationId, weight })
}
