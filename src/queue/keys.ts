import { FINISHED_STATES, type FinishedState } from "../core/request.ts"

const DAY_MS = 86_400_000

/** The day of an instant, counted from the epoch: what index keys by day end in. */
export function dayOf(at: number): number {
  return Math.floor(at / DAY_MS)
}

/** Every key of one queue. The hash tag keeps them in one slot of a cluster. `docs/storage.md` describes each. */
export function createKeys(queueName: string) {
  const key = (suffix: string) => `aiq:{${queueName}}:${suffix}`
  return {
    /** A key by its name without the prefix; `named("")` is the prefix. */
    named: key,
    meta: key("meta"),
    live: key("live"),
    scheduled: key("scheduled"),
    deadlines: key("deadlines"),
    chores: key("chores"),
    keys: key("keys"),
    audit: key("audit"),
    historyMinutes: key("history:minutes"),
    historyHours: key("history:hours"),
    webhookSecrets: key("webhook-secrets"),
    delivery: (requestId: string) => key(`delivery:${requestId}`),
    deliveries: (organizationId: string, day: number) => key(`deliveries:${organizationId}:${day}`),
    goneReceiver: (organizationId: string, urlHash: string) => key(`gone:${organizationId}:${urlHash}`),
    rate: (keyId: string, minute: number) => key(`rate:${keyId}:${minute}`),
    line: (line: string) => key(`line:${line}`),
    leases: (provider: string) => key(`leases:${provider}`),
    metadata: (requestId: string) => key(`metadata:${requestId}`),
    body: (requestId: string) => key(`body:${requestId}`),
    outcome: (requestId: string) => key(`outcome:${requestId}`),
    attempts: (requestId: string) => key(`attempts:${requestId}`),
    partial: (requestId: string, attempt: number) => key(`partial:${requestId}:${attempt}`),
    finished: (state: FinishedState, day: number) => key(`finished:${state}:${day}`),
    recent: (organizationId: string, day: number) => key(`recent:${organizationId}:${day}`),
    idempotency: (organizationId: string, hash: string) => key(`idem:${organizationId}:${hash}`),
    file: (fileId: string) => key(`file:${fileId}`),
    /** A chunk of a file, or of a part of an upload. */
    chunk: (id: string, number: number) => key(`file:${id}:${number}`),
    files: (organizationId: string) => key(`files:${organizationId}`),
    upload: (uploadId: string) => key(`upload:${uploadId}`),
    batch: (batchId: string) => key(`batch:${batchId}`),
    /** Line numbers by custom id, while an input file is read for the first time. */
    customIds: (batchId: string) => key(`batch:${batchId}:ids`),
    batches: (kind: string, organizationId: string) => key(`batches:${kind}:${organizationId}`),
    /** The same key by its index's name, `state:day`, as scripts know it. */
    finishedIndex: (index: string) => key(`finished:${index}`),
    /** The `finished` keys of one day, in the order of FINISHED_STATES. */
    finishedOn: (day: number) => FINISHED_STATES.map((state) => key(`finished:${state}:${day}`)),
  }
}

export type Keys = ReturnType<typeof createKeys>
