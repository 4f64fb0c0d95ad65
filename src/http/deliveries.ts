import { requireOrganization, tenantOf } from "../auth/principal.ts"
import { invalid, problem } from "../core/contracts/problem.ts"
import { DeliveriesQuery } from "../core/contracts/webhooks.ts"
import { readDeliveryId } from "../core/delivery.ts"
import { AppError } from "../core/errors.ts"
import { auditEntry } from "./audit.ts"
import type { App, AppContext } from "./context.ts"
import { readQuery } from "./query.ts"
import { afterAnswer, resource, servicesOf } from "./resource.ts"

/** What became of callbacks. */
export function mountDeliveries(app: App): void {
  resource(app, "/v1/deliveries", { GET: { scope: "read", handle: listDeliveries } })
  resource(app, "/v1/deliveries/:deliveryId", { GET: { scope: "read", handle: getDelivery } })
  resource(app, "/v1/deliveries/:deliveryId/redeliver", { POST: { scope: "enqueue", handle: redeliver } })
}

async function listDeliveries(c: AppContext): Promise<Response> {
  const principal = c.get("principal")
  const { deliveries } = servicesOf(c).webhooks
  const { requestId, state = null, limit, cursor = null, ...query } = readQuery(c, DeliveriesQuery)
  const organizationId = query.organizationId ?? tenantOf(principal)
  if (organizationId !== null) requireOrganization(principal, organizationId)
  if (requestId !== undefined) {
    // A request has few of them: one page.
    const data = (await deliveries.ofRequest(requestId)).filter(
      (delivery) =>
        (organizationId ?? delivery.organizationId) === delivery.organizationId &&
        (state ?? delivery.state) === delivery.state,
    )
    return c.json({ data: data.slice(0, limit), nextCursor: null })
  }
  if (organizationId === null) {
    throw invalid("The query", [
      problem(["organizationId"], "or requestId is required with a key for all organizations"),
    ])
  }
  return c.json(await deliveries.list({ organizationId, state, limit, cursor }))
}

async function getDelivery(c: AppContext): Promise<Response> {
  const deliveryId = c.req.param("deliveryId") ?? ""
  const topic = readDeliveryId(deliveryId)
  if (topic === null) throw unknownDelivery()
  const all = await servicesOf(c).webhooks.deliveries.ofRequest(topic.requestId)
  const found = all.find((delivery) => delivery.deliveryId === deliveryId)
  if (
    found === undefined ||
    (tenantOf(c.get("principal")) ?? found.organizationId) !== found.organizationId
  ) {
    throw unknownDelivery()
  }
  return c.json(found)
}

async function redeliver(c: AppContext): Promise<Response> {
  const { access, lanes, webhooks } = servicesOf(c)
  const deliveryId = c.req.param("deliveryId") ?? ""
  const reply = await webhooks.redeliver(deliveryId, tenantOf(c.get("principal")))
  if (reply.kind === "unknown") throw unknownDelivery()
  if (reply.kind === "ended") {
    throw new AppError("conflict", "The outcome is no longer kept: there is nothing left to deliver.")
  }
  afterAnswer(c, lanes.wakeChores())
  await access.audit(auditEntry(c, "delivery.redelivered", deliveryId))
  return c.json(reply.delivery, 202)
}

function unknownDelivery(): AppError {
  return new AppError("not_found", "No such delivery is known, or it is no longer kept.")
}
