import type { AuditEntry } from "../core/audit.ts"
import { AppError } from "../core/errors.ts"
import { newOperationId } from "../core/ids.ts"
import { noteCall } from "./access.ts"
import { unreadable } from "./formats.ts"
import type { Keys } from "./keys.ts"
import type { Store } from "./store.ts"

/** Signs an organization's webhooks. Kept as it is: whoever signs needs it. */
export interface WebhookSecret {
  secretId: string
  organizationId: string
  /** `whsec_` and base64. */
  secret: string
  createdAt: number
  /** Then it signs no more; null: until another is made. */
  expiresAt: number | null
}

export function newSecretId(): string {
  return `whs_${newOperationId()}`
}

/** An organization's secrets as they are to be, newest first; null: as they are. */
type Change = (secrets: WebhookSecret[]) => WebhookSecret[] | null

const VERSION = "1"
/** Others may change the same secrets at that very moment. */
const ROUNDS = 5

export interface WebhookSecretStore {
  /** Every organization's; null: all. One round trip and one command. */
  read(organizationId: string | null): Promise<WebhookSecret[]>
  /** Two round trips, and two more each time that someone else was faster; one more with an audit entry. False: nothing changed. */
  change(organizationId: string, change: Change, audit: AuditEntry | null): Promise<boolean>
}

export function createWebhookSecretStore(store: Store, keys: Keys): WebhookSecretStore {
  const readOne = async (organizationId: string) => {
    const [text] = await store.query<[string | null]>("webhookSecrets", [
      secretsCommand(keys, organizationId),
    ])
    return text ?? ""
  }
  return {
    async read(organizationId) {
      if (organizationId !== null) return decodeSecrets(await readOne(organizationId))
      const [texts] = await store.query<[string[]]>("webhookSecrets", [["HVALS", keys.webhookSecrets]])
      return texts.flatMap(decodeSecrets)
    },
    async change(organizationId, change, audit) {
      for (let round = 0; round < ROUNDS; round++) {
        const before = await readOne(organizationId)
        const after = change(decodeSecrets(before))
        if (after === null) return false
        const args = [organizationId, before, VERSION + JSON.stringify(after)]
        const [swapped] = await store.run<[number]>("changeWebhookSecrets", [
          { name: "swap", keys: [keys.webhookSecrets], args },
        ])
        if (swapped === 0) continue
        if (audit !== null) await store.run("audit", [noteCall(keys, audit)])
        return true
      }
      throw new AppError("store_unavailable", "Others keep changing these secrets.", { retryAfterSeconds: 1 })
    },
  }
}

export function secretsCommand(keys: Keys, organizationId: string): string[] {
  return ["HGET", keys.webhookSecrets, organizationId]
}

export function decodeSecrets(text: string | null): WebhookSecret[] {
  if (text === null || text === "") return []
  if (!text.startsWith(VERSION)) throw unreadable(`webhook secrets ${text.slice(0, 4)}`)
  return JSON.parse(text.slice(VERSION.length)) as WebhookSecret[]
}
