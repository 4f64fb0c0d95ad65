import * as z from "zod/mini"
import { DELIVERY_STATES, isPlace } from "../delivery.ts"
import { isRequestId } from "../ids.ts"
import { ORGANIZATION_ID, ORGANIZATION_ID_RULE } from "./access.ts"
import { wholeText } from "./parameters.ts"

const organizationId = z.exactOptional(
  z.string().check(z.regex(ORGANIZATION_ID, { error: ORGANIZATION_ID_RULE })),
)

/** Whose webhooks are signed: an organization's, or, as `*`, those that tell operators of alerts. */
const signer = z.exactOptional(
  z.string().check(
    z.regex(new RegExp(`${ORGANIZATION_ID.source}|^\\*$`), {
      error: `${ORGANIZATION_ID_RULE}, or * (what signs alerts)`,
    }),
  ),
)

/** The body of `POST /v1/webhook-secrets`, which may be missing with an organization's key. */
export const WebhookSecretBody = z.strictObject({ organizationId: signer })

/** `GET /v1/webhook-secrets`. */
export const WebhookSecretsQuery = z.strictObject({ organizationId: signer })

/** `GET /v1/deliveries`. */
export const DeliveriesQuery = z.strictObject({
  organizationId,
  requestId: z.exactOptional(z.string().check(z.refine(isRequestId, { error: "must be a request's id" }))),
  state: z.exactOptional(z.enum(DELIVERY_STATES)),
  limit: z._default(wholeText(1, 100), 20),
  cursor: z.exactOptional(
    z.string().check(z.refine(isPlace, { error: "must be the nextCursor of an earlier page" })),
  ),
})
