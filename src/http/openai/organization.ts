import { ORGANIZATION_ID, ORGANIZATION_ID_RULE } from "../../core/contracts/access.ts"
import { AppError } from "../../core/errors.ts"
import type { AppContext } from "../context.ts"

export function organizationOf(c: AppContext): string {
  const { organizationId } = c.get("principal")
  if (organizationId !== "*") return organizationId
  const named = c.req.header("OpenAI-Organization") || "default"
  if (ORGANIZATION_ID.test(named)) return named
  throw new AppError("invalid_request", `The header OpenAI-Organization ${ORGANIZATION_ID_RULE}.`)
}
