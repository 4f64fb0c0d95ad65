import type { Context, Hono } from "hono"
import type { Authenticate } from "../auth/authenticate.ts"
import type { Principal } from "../auth/principal.ts"
import type { LimitRate } from "../auth/rate.ts"
import type { AlertsChange, AlertsView } from "../core/alerts.ts"
import type { AuditEntry } from "../core/audit.ts"
import type { Clock } from "../core/clock.ts"
import type { Config, ConfigProblem } from "../core/config.ts"
import type { Delivery } from "../core/delivery.ts"
import type { Log } from "../core/log.ts"
import type { Tracing } from "../core/tracing.ts"
import type { AccessStore } from "../queue/access-contract.ts"
import type { BatchStore } from "../queue/batches-contract.ts"
import type { RequestQueue } from "../queue/contract.ts"
import type { DeliveryStore } from "../queue/deliveries.ts"
import type { FileStore } from "../queue/files-contract.ts"
import type { UploadStore } from "../queue/uploads-contract.ts"
import type { WebhookSecret } from "../queue/webhook-secrets.ts"
import type { Auditor } from "./audit.ts"
import type { BatchCommands } from "./batch-commands.ts"

/** The lanes as the API needs them. Never reject; without lanes they do nothing. */
interface LaneCommands {
  /** Something may be there to be claimed at that instant, epoch ms; a past one means now. */
  wake(at: number): Promise<void>
  /** There are chores to be seen to. */
  wakeChores(): Promise<void>
  /** Ends a call whose request was cancelled. `owner`: of its lease. */
  abort(owner: string, requestId: string, attempt: number): Promise<void>
  /** Has the text of a call stored as it comes, until then, epoch ms. `owner`: of its lease. */
  watch(owner: string, requestId: string, until: number): Promise<void>
}

/** Webhooks as the API needs them; `src/webhooks` says what each method does. */
interface WebhookCommands {
  secrets: {
    issue(organizationId: string, secretId: string, audit: AuditEntry): Promise<WebhookSecret>
    list(organizationId: string | null): Promise<WebhookSecret[]>
    end(secretId: string, organizationId: string | null, audit: AuditEntry): Promise<boolean>
  }
  deliveries: Pick<DeliveryStore, "ofRequest" | "list">
  redeliver(
    deliveryId: string,
    organizationId: string | null,
  ): Promise<{ kind: "accepted"; delivery: Delivery } | { kind: "ended" } | { kind: "unknown" }>
}

/** Alerts as the API needs them; `src/webhooks` says what each method does. */
interface AlertCommands {
  read(): Promise<AlertsView>
  change(change: AlertsChange, audit: AuditEntry): Promise<AlertsView>
  test(): Promise<string>
}

/** What the handlers work with. */
export interface Services {
  config: Config
  queue: RequestQueue
  access: AccessStore
  files: FileStore
  batches: BatchStore
  batchCommands: BatchCommands
  uploads: UploadStore
  authenticate: Authenticate
  limitRate: LimitRate
  auditor: Auditor
  lanes: LaneCommands
  webhooks: WebhookCommands
  alerts: AlertCommands
  newRequestId: () => string
  clock: Clock
  log: Log
  /** null: nobody wants to know what becomes of requests. */
  tracing: Tracing | null
  version: string
}

/** With bad settings there are no services: everything but health answers `not_configured`. */
export type Composition<S extends Services = Services> =
  | { services: S; problems: [] }
  | { services: null; problems: ConfigProblem[] }

export interface AppEnv {
  Bindings: Record<string, unknown>
  Variables: { composition: Composition; principal: Principal }
}

export type App = Hono<AppEnv>
export type AppContext = Context<AppEnv>
