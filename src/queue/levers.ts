import type { AuditEntry } from "../core/audit.ts"
import { AppError } from "../core/errors.ts"
import type { LimitsChange, ProviderLimits } from "../core/limits.ts"
import { noteCall } from "./access.ts"
import type { QueueContext } from "./context.ts"
import type { ProviderDetails } from "./figures-contract.ts"
import { changeLimits, decodeLimits, encodeLimits } from "./limits.ts"
import { readProviderState } from "./provider-state.ts"

// What operators look at and pull while the queue runs.

/** Others may change the same limits at that very moment. */
const ROUNDS = 5

/** Each claim reads them all. */
const MAX_MODELS = 100

const STATE_FIELDS = ["limits", "blocked", "breaker", "paused"] as const

/** One round trip; 3 commands and one per provider. */
export async function readProviders(context: QueueContext): Promise<ProviderDetails[]> {
  const { keys, settings, store, clock } = context
  const { providers } = settings
  const fields = providers.flatMap((name) => [...STATE_FIELDS, "pending"].map((field) => `${field}:${name}`))
  const [values, ...inFlight] = await store.query<[(string | null)[], ...number[]]>("providers", [
    ["HMGET", keys.meta, "paused:*", ...fields],
    ...providers.map((name) => ["ZCARD", keys.leases(name)]),
  ])
  const meta = Object.fromEntries(["paused:*", ...fields].map((field, i) => [field, values[i] ?? ""]))
  return providers.map((name, i) => ({
    name,
    ...limitsInForce(context, name, meta[`limits:${name}`] ?? ""),
    ...readProviderState(meta, name, inFlight[i] ?? 0, clock()),
    pending: (meta[`pending:${name}`] ?? "").split(" ").reduce((sum, count) => sum + Number(count), 0),
  }))
}

export function limitsInForce({ settings }: QueueContext, provider: string, changed: string): ProviderLimits {
  return decodeLimits(changed === "" ? encodeLimits(settings.limits) : changed, provider)
}

export async function shutProviders({ keys, settings, store, clock }: QueueContext): Promise<string[]> {
  const fields = settings.providers.flatMap((name) => [
    `blocked:${name}`,
    `breaker:${name}`,
    `paused:${name}`,
  ])
  const [values] = await store.query<[(string | null)[]]>("shutProviders", [
    ["HMGET", keys.meta, "paused:*", ...fields],
  ])
  const meta = Object.fromEntries(["paused:*", ...fields].map((field, i) => [field, values[i] ?? ""]))
  return settings.providers.filter((name) => {
    const { paused, blockedUntil } = readProviderState(meta, name, 0, clock())
    return paused || blockedUntil !== null
  })
}

/** Two round trips, and two more each time that someone else was faster; one more with an audit entry. */
export async function setLimits(
  context: QueueContext,
  provider: string,
  change: LimitsChange,
  audit?: AuditEntry,
): Promise<ProviderLimits> {
  const { keys, store } = context
  const field = `limits:${provider}`
  for (let round = 0; round < ROUNDS; round++) {
    const [known] = await store.query<[string | null]>("setLimits", [["HGET", keys.meta, field]])
    const limits = changeLimits(limitsInForce(context, provider, known ?? ""), change)
    if (Object.keys(limits.models).length > MAX_MODELS) {
      const message = `At most ${MAX_MODELS} models of a provider may have limits of their own: set others to null.`
      throw new AppError("invalid_request", message, { op: "setLimits" })
    }
    const text = encodeLimits({ [provider]: limits })
    const args = [field, known ?? "", text]
    const [isDone] = await store.run<[number]>("setLimits", [{ name: "swap", keys: [keys.meta], args }])
    if (isDone !== 1) continue
    if (audit !== undefined) await store.run("setLimits", [noteCall(keys, audit)])
    return limits
  }
  throw new AppError("conflict", "Others keep changing these limits; look at them and try again.", {
    op: "setLimits",
  })
}

export async function setPaused(
  { keys, store, clock }: QueueContext,
  name: string | null,
  paused: boolean,
  audit?: AuditEntry,
): Promise<void> {
  const args = [clock(), name ?? "*", paused ? 1 : 0]
  await store.run("pause", [{ name: "pause", keys: [keys.meta], args }])
  if (audit !== undefined) await store.run("pause", [noteCall(keys, audit)])
}

export async function setWeight(
  { keys, store }: QueueContext,
  organizationId: string,
  weight: number,
  audit?: AuditEntry,
): Promise<void> {
  const field = `weight:${organizationId}`
  await store.query("setWeight", [
    weight === 1 ? ["HDEL", keys.meta, field] : ["HSET", keys.meta, field, weight],
  ])
  if (audit !== undefined) await store.run("setWeight", [noteCall(keys, audit)])
}
