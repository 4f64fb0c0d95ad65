import type { AuditEntry } from "../core/audit.ts"
import type { Clock } from "../core/clock.ts"
import { AppError } from "../core/errors.ts"
import { newSecretId, type WebhookSecret, type WebhookSecretStore } from "../queue/webhook-secrets.ts"
import { newSecret } from "./sign.ts"

/** So long the one before signs too, while receivers learn the new one. */
const OVERLAP_MS = 24 * 60 * 60 * 1000
/** Of one organization, however often it makes new ones. */
const MAX_SECRETS = 5

/** Signing secrets: see docs/webhooks.md. */
export interface WebhookSecrets {
  /** A new one signs first; the one before it for a day too. Store errors as the queue's. */
  issue(organizationId: string, secretId: string, audit: AuditEntry | null): Promise<WebhookSecret>
  /** Those that sign; null: of all organizations. Newest first. */
  list(organizationId: string | null): Promise<WebhookSecret[]>
  /** Ends one at once; false when there is none such. `organizationId` null: any. */
  end(secretId: string, organizationId: string | null, audit: AuditEntry): Promise<boolean>
  /** Those that sign, newest first. `known`: as they were read; when none signs, one is made. */
  signing(organizationId: string, known: WebhookSecret[]): Promise<string[]>
}

export function createWebhookSecrets(store: WebhookSecretStore, clock: Clock): WebhookSecrets {
  const signs = ({ expiresAt }: WebhookSecret) => expiresAt === null || expiresAt > clock()
  return {
    async issue(organizationId, secretId, audit) {
      const createdAt = clock()
      const issued = { secretId, organizationId, secret: newSecret(), createdAt, expiresAt: null }
      const overlapping = (secret: WebhookSecret) => ({
        ...secret,
        expiresAt: secret.expiresAt ?? createdAt + OVERLAP_MS,
      })
      const add = (before: WebhookSecret[]) =>
        [issued, ...before.filter(signs).map(overlapping)].slice(0, MAX_SECRETS)
      await store.change(organizationId, add, audit)
      return issued
    },
    async list(organizationId) {
      const all = (await store.read(organizationId)).filter(signs)
      return all.sort((a, b) => b.createdAt - a.createdAt)
    },
    async end(secretId, organizationId, audit) {
      const known = await store.read(organizationId)
      const ended = known.find((secret) => secret.secretId === secretId)
      if (ended === undefined) return false
      const remove = (before: WebhookSecret[]) => {
        const after = before.filter((secret) => secret.secretId !== secretId)
        return after.length === before.length ? null : after
      }
      return store.change(ended.organizationId, remove, audit)
    },
    async signing(organizationId, known) {
      const active = known.filter(signs)
      if (active.length > 0) return active.map(({ secret }) => secret)
      // Another may be making one at this very moment: then that one signs.
      const made = {
        ...{ secretId: newSecretId(), organizationId, secret: newSecret() },
        ...{ createdAt: clock(), expiresAt: null },
      }
      await store.change(organizationId, (before) => (before.some(signs) ? null : [made]), null)
      const [newest, ...others] = (await store.read(organizationId)).filter(signs)
      if (newest !== undefined) return [newest, ...others].map(({ secret }) => secret)
      throw new AppError("store_unavailable", "There is nothing to sign with: all secrets have just ended.")
    },
  }
}
