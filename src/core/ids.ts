import type { Clock, Random } from "./clock.ts"

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
const TIME_CHARS = 9
const SEQUENCE_CHARS = 3
const SEQUENCE_END = 32 ** SEQUENCE_CHARS
const RANDOM_CHARS = 10
/** Room for several databases later; every request lives in shard 0 today. */
const SHARD = "0"
const REQUEST_PREFIX = "req_"
const AFTER_PREFIX = /^[0-9a-hjkmnp-tv-z]{23}$/

function encode(value: number, chars: number): string {
  let rest = value
  let text = ""
  for (let i = 0; i < chars; i++) {
    text = ALPHABET.charAt(rest % 32) + text
    rest = Math.floor(rest / 32)
  }
  return text
}

function decode(text: string): number {
  let value = 0
  for (const char of text) value = value * 32 + ALPHABET.indexOf(char)
  return value
}

/**
 * Makes ids, of requests unless told otherwise: prefix + time (9) + shard (1) + sequence (3) + random (10), all in
 * base 32. The time and sequence only grow within one generator, so ids sort in the order they were made, also
 * within one millisecond and when the clock steps back.
 */
export function createIdGenerator(
  clock: Clock,
  random: Random = cryptoRandom,
  prefix = REQUEST_PREFIX,
): () => string {
  let lastMs = 0
  let sequence = 0
  return () => {
    const now = clock()
    if (now > lastMs) {
      lastMs = now
      sequence = 0
    } else if (++sequence === SEQUENCE_END) {
      lastMs += 1
      sequence = 0
    }
    let noise = ""
    for (let i = 0; i < RANDOM_CHARS; i++) noise += ALPHABET.charAt(Math.floor(random() * 32))
    return `${prefix}${encode(lastMs, TIME_CHARS)}${SHARD}${encode(sequence, SEQUENCE_CHARS)}${noise}`
  }
}

/**
 * The id of one of a batch's requests: the same each time, and they sort by their index. `batchId` was made by
 * `createIdGenerator`, with its prefix.
 */
export function batchRequestId(batchId: string, prefix: string, index: number): string {
  const ms = idTime(batchId, prefix) + Math.floor(index / SEQUENCE_END)
  const noise = batchId.slice(-RANDOM_CHARS)
  return `${REQUEST_PREFIX}${encode(ms, TIME_CHARS)}${SHARD}${encode(index % SEQUENCE_END, SEQUENCE_CHARS)}${noise}`
}

/** The index by which `batchRequestId` made this id. */
export function batchRequestIndex(requestId: string, batchId: string, prefix: string): number {
  const first = REQUEST_PREFIX.length + TIME_CHARS + SHARD.length
  const sequence = decode(requestId.slice(first, first + SEQUENCE_CHARS))
  return (requestIdTime(requestId) - idTime(batchId, prefix)) * SEQUENCE_END + sequence
}

/** Whether a text could be a request id: tells a 404 without asking the store. */
export function isRequestId(text: string): boolean {
  return isId(text, REQUEST_PREFIX)
}

/** The same for an id with that prefix; what else comes from outside may name a key that is none of its own. */
export function isId(text: string, prefix: string): boolean {
  return text.startsWith(prefix) && AFTER_PREFIX.test(text.slice(prefix.length))
}

/** The id's creation time, epoch ms. */
export function requestIdTime(requestId: string): number {
  return idTime(requestId, REQUEST_PREFIX)
}

/** The creation time of an id with that prefix, epoch ms. */
export function idTime(id: string, prefix: string): number {
  return decode(id.slice(prefix.length, prefix.length + TIME_CHARS))
}

/** An id of anything that is not a request: an HTTP exchange, an epoch. Hex. */
export function newOperationId(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 16)
}

/** Drawn many at a time: a call costs more than what it draws. */
const drawn = new Uint32Array(1024)
let used = drawn.length

function cryptoRandom(): number {
  if (used === drawn.length) {
    crypto.getRandomValues(drawn)
    used = 0
  }
  return (drawn[used++] ?? 0) / 2 ** 32
}
