import { AppError } from "../core/errors.ts"
import type { NewRequest } from "../queue/contract.ts"
import { MAX_COMMAND_BYTES } from "../queue/store.ts"

export const MAX_BULK_BYTES = 8 * 1024 * 1024
/** For bodies that hold a number or a time. */
export const MAX_SMALL_BYTES = 4096

/** A body this small cannot grow beyond that: a number at most 5 times, a quote twice. */
const SAFE_BODY_BYTES = 1_000_000
/** Keys, the packed record without its targets, and the reply, per request. */
const OVERHEAD_BYTES = 1200

const encoder = new TextEncoder()

/** Throws `too_large` when one request of a bulk is longer than a single one may be. `bytes` is the whole body's size. */
export function checkEntrySizes(value: unknown, bytes: number, maxRequestBytes: number): void {
  if (bytes <= maxRequestBytes || typeof value !== "object" || value === null) return
  const requests = "requests" in value && Array.isArray(value.requests) ? value.requests : []
  const large = requests.findIndex((request) => byteLength(JSON.stringify(request)) > maxRequestBytes)
  if (large !== -1) {
    throw new AppError("too_large", `/requests/${large} may have at most ${maxRequestBytes} bytes.`)
  }
}

/**
 * Throws `too_large` when the command that stores these requests would be too long for the store: it is JSON inside
 * JSON, where each quote and backslash doubles. `bytes` is the HTTP body's size, which mostly spares the counting.
 */
export function checkCommandSize(requests: NewRequest[], bytes: number): void {
  const targets = sum(requests.map(targetsLength))
  if (bytes + targets <= SAFE_BODY_BYTES) return
  const sizes = requests.map(({ head, body }) => escapedLength(head) + escapedLength(body) + OVERHEAD_BYTES)
  if (targets + sum(sizes) > MAX_COMMAND_BYTES) {
    const message = `Encoded for the store, this has more than ${MAX_COMMAND_BYTES} bytes: send fewer or shorter requests.`
    throw new AppError("too_large", message)
  }
}

/** Of the targets in the packed record, where a character takes at most three times its bytes. */
function targetsLength({ head, route }: NewRequest): number {
  return 3 * byteLength(JSON.stringify(route ?? [head.model, head.fallbacks]))
}

function sum(sizes: number[]): number {
  return sizes.reduce((total, size) => total + size, 0)
}

function escapedLength(value: unknown): number {
  return byteLength(JSON.stringify(JSON.stringify(value)))
}

function byteLength(text: string): number {
  return encoder.encode(text).length
}
