import { type Command, commandSize, growingKeys } from "./commands.ts"
import type { RedisConnection } from "./redis-connection.ts"

/** Near the limit, a key is measured before each command that could grow it. */
const PRESSING_SHARE = 0.95
/** Otherwise once in this share of the limit written, by all commands together. */
const STEP_SHARE = 0.05

/**
 * Upstash's cap on one key: what would grow a key that is over it is refused, reads and deletes are not.
 * The size is Redis's own estimate (MEMORY USAGE), taken of the keys of the command at hand: every growing
 * command near the limit, every 5 MB written otherwise, so that a key can overshoot by about 5 %. A script
 * is refused as a whole when one of its KEYS is over, since the bridge cannot see what it would write.
 */
export class KeySizes {
  readonly #redis: RedisConnection
  readonly #limit: number
  #unmeasured = 0
  /** Keys near or over the limit when last measured. */
  readonly #pressing = new Set<string>()

  constructor(redis: RedisConnection, limit: number) {
    this.#redis = redis
    this.#limit = limit
  }

  /** Null lets the commands through; a text refuses them. Returns at once unless a measurement is due. */
  admit(commands: Command[]): null | Promise<string | null> {
    for (const command of commands) this.#unmeasured += commandSize(command)
    if (this.#pressing.size === 0 && this.#unmeasured < this.#limit * STEP_SHARE) return null
    return this.#measure(commands)
  }

  async #measure(commands: Command[]): Promise<string | null> {
    const keys = [...new Set(commands.flatMap(growingKeys).map(String))]
    if (keys.length === 0) return null
    this.#unmeasured = 0
    let largest = 0
    const sizes = await Promise.all(keys.map((key) => this.#redis.send(["MEMORY", "USAGE", key])))
    for (const [i, key] of keys.entries()) {
      const reply = sizes[i]
      // The embedded store knows no MEMORY, and could not hold a key that large.
      const size = typeof reply === "number" ? reply : 0
      if (size > this.#limit * PRESSING_SHARE) this.#pressing.add(key)
      else this.#pressing.delete(key)
      largest = Math.max(largest, size)
    }
    if (largest <= this.#limit) return null
    return `ERR max single record size exceeded. Limit: ${this.#limit} bytes, Actual: ${largest} bytes. See https://upstash.com/docs/redis/troubleshooting/max_record_size_exceeded for details`
  }
}
