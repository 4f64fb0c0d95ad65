import type { Clock, Random } from "../../core/clock.ts"
import { AppError } from "../../core/errors.ts"
import { sleep } from "../../core/sleep.ts"
import { createKeys, type Keys } from "../keys.ts"
import { type Command, NO_ANSWER, type ScriptCall, Store, type StoreAddress } from "../store.ts"

/** Beyond the store's own tries: a copy of an hour should outlive a failover. */
const ROUNDS = 6
const FIRST_PAUSE_MS = 500

export interface CopyOptions {
  redis: StoreAddress
  queueName: string
  clock: Clock
  random: Random
  /** Ends the waiting for a store that is away. */
  signal?: AbortSignal | undefined
}

/** One queue's store for whoever copies it: counts what is billed, and waits for a store that is away. */
export class CopyStore {
  readonly keys: Keys
  readonly queueName: string
  readonly clock: Clock
  /** Billed commands so far, those of lost answers excepted. */
  commands = 0
  private readonly store: Store
  private readonly signal: AbortSignal | undefined

  constructor({ redis, queueName, clock, random, signal }: CopyOptions) {
    this.store = new Store({ ...redis, queueName, random })
    this.keys = createKeys(queueName)
    this.queueName = queueName
    this.clock = clock
    this.signal = signal
  }

  async query<Replies extends unknown[]>(op: string, commands: Command[]): Promise<Replies> {
    const replies = await this.patiently(() => this.store.query<Replies>(op, commands))
    this.commands += commands.length
    return replies
  }

  /** `inside`: billed commands that the script makes, where its reply does not tell. */
  async run<Reply>(op: string, call: ScriptCall, inside: number): Promise<Reply> {
    const [reply] = await this.patiently(() => this.store.run<[Reply]>(op, [call]))
    this.commands += 1 + inside
    return reply
  }

  private async patiently<Result>(attempt: () => Promise<Result>): Promise<Result> {
    for (let round = 1; ; round++) {
      try {
        return await attempt()
      } catch (error) {
        const isAway = error instanceof AppError && error.message === NO_ANSWER
        if (!isAway || round === ROUNDS || this.signal?.aborted === true) throw error
        await sleep(FIRST_PAUSE_MS * 2 ** round, this.signal)
      }
    }
  }
}
