import { requireOrganization, requireScope, tenantOf } from "../auth/principal.ts"
import { check, invalid, problem } from "../core/contracts/problem.ts"
import { WebhookSecretBody, WebhookSecretsQuery } from "../core/contracts/webhooks.ts"
import { AppError } from "../core/errors.ts"
import { newSecretId, type WebhookSecret } from "../queue/webhook-secrets.ts"
import { auditEntry } from "./audit.ts"
import { readOptionalJson } from "./body.ts"
import type { App, AppContext } from "./context.ts"
import { naming } from "./enqueue.ts"
import { readQuery } from "./query.ts"
import { resource, servicesOf } from "./resource.ts"
import { MAX_SMALL_BYTES } from "./sizes.ts"

/** What signs an organization's webhooks: told once. An organization that may enqueue sees to its own. */
export function mountWebhookSecrets(app: App): void {
  resource(app, "/v1/webhook-secrets", {
    POST: { scope: "any", handle: issueSecret },
    GET: { scope: "any", handle: listSecrets },
  })
  resource(app, "/v1/webhook-secrets/:secretId", { DELETE: { scope: "any", handle: endSecret } })
}

/** Throws `forbidden` without the scope; null: every organization's may be seen to. */
function admitted(c: AppContext): string | null {
  const principal = c.get("principal")
  const tenant = tenantOf(principal)
  requireScope(principal, tenant === null ? "admin" : "enqueue")
  return tenant
}

async function issueSecret(c: AppContext): Promise<Response> {
  const tenant = admitted(c)
  const { value } = await readOptionalJson(c, MAX_SMALL_BYTES)
  const read = check(WebhookSecretBody, value)
  if (read.value === null) throw invalid("The body", read.problems)
  const organizationId = read.value.organizationId ?? tenant
  if (organizationId === null) {
    throw invalid("The body", [problem(["organizationId"], "is required with a key for all organizations")])
  }
  requireOrganization(c.get("principal"), organizationId)
  const secretId = newSecretId()
  const audit = auditEntry(c, "webhook_secret.issued", secretId)
  // Whoever gets no answer has no secret, but must be able to find what may be kept of it, and to end it.
  const { secret, createdAt } = await naming({ secretId }, () =>
    servicesOf(c).webhooks.secrets.issue(organizationId, secretId, audit),
  )
  return c.json({ secretId, organizationId, secret, createdAt }, 201)
}

async function listSecrets(c: AppContext): Promise<Response> {
  const tenant = admitted(c)
  const { organizationId = tenant } = readQuery(c, WebhookSecretsQuery)
  if (organizationId !== null) requireOrganization(c.get("principal"), organizationId)
  const secrets = await servicesOf(c).webhooks.secrets.list(organizationId)
  return c.json({ data: secrets.map(present) })
}

async function endSecret(c: AppContext): Promise<Response> {
  const tenant = admitted(c)
  const secretId = c.req.param("secretId") ?? ""
  const audit = auditEntry(c, "webhook_secret.ended", secretId)
  const ended = await servicesOf(c).webhooks.secrets.end(secretId, tenant, audit)
  if (!ended) throw new AppError("not_found", "No such secret is known, or it has ended.")
  return c.body(null, 204)
}

function present({ secret: _, ...shown }: WebhookSecret): Omit<WebhookSecret, "secret"> {
  return shown
}
