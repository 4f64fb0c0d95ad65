import { requireScope } from "../auth/principal.ts"
import { readRequest } from "../core/contracts/new-request.ts"
import { CleanupQuery } from "../core/contracts/parameters.ts"
import { AppError } from "../core/errors.ts"
import { ACTION_PATH } from "./action-path.ts"
import { readJson } from "./body.ts"
import { cleanUp } from "./cleanup.ts"
import type { App, AppContext } from "./context.ts"
import { enqueue } from "./enqueue.ts"
import { readQuery } from "./query.ts"
import { cancelRequest, findRequest } from "./requests.ts"
import { resource, servicesOf } from "./resource.ts"
import { readStats } from "./stats.ts"

/** The original API: one path, an `action`, and answers that say `success`. */
export function mountActionApi(app: App): void {
  resource(app, ACTION_PATH, {
    POST: { scope: "enqueue", handle: post },
    GET: { scope: "any", handle: get },
    DELETE: { scope: "cancel", handle: remove },
  })
}

async function post(c: AppContext): Promise<Response> {
  const body = await readJson(c, servicesOf(c).config.maxRequestBytes)
  const [request] = await enqueue(c, body, readRequest)
  return c.json(
    { success: true, requestId: request?.requestId, state: request?.state, position: request?.position },
    202,
  )
}

async function get(c: AppContext): Promise<Response> {
  const principal = c.get("principal")
  switch (c.req.query("action")) {
    case "stats":
      requireScope(principal, "read")
      return c.json({ success: true, stats: await readStats(c) })
    case "status":
      requireScope(principal, "read")
      return c.json({ success: true, request: await findRequest(c, requireRequestId(c)) })
    case "cleanup": {
      requireScope(principal, "admin")
      const { olderThanSeconds = null } = readQuery(c, CleanupQuery)
      return c.json({ success: true, removed: await cleanUp(c, olderThanSeconds) })
    }
    default:
      throw new AppError("invalid_request", "The parameter action must be stats, status or cleanup.")
  }
}

async function remove(c: AppContext): Promise<Response> {
  return c.json({ success: true, ...(await cancelRequest(c, requireRequestId(c))) })
}

function requireRequestId(c: AppContext): string {
  const requestId = c.req.query("requestId")
  if (!requestId) throw new AppError("invalid_request", "The parameter requestId is missing.")
  return requestId
}
