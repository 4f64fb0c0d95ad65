/** So many untold commands are worth one that tells of them, where nothing goes that could carry the number. */
const MANY = 100

/**
 * Commands that this process has sent and the queue has not been told of. Who sends something that can tell takes them
 * along, all of them, so that no other tells the same; what then is not told is added again.
 */
export class Meter {
  #untold = 0

  add(commands: number): void {
    this.#untold += commands
  }

  /** All of them. */
  take(): number {
    const taken = this.#untold
    this.#untold = 0
    return taken
  }

  /** All of them if they are many, or else 0. */
  takeMany(): number {
    return this.#untold < MANY ? 0 : this.take()
  }
}

const meters = new Map<string, Meter>()

/** One for all that this process opens of a queue. */
export function meterOf(url: string, queueName: string): Meter {
  const name = `${queueName} ${url}`
  const meter = meters.get(name) ?? new Meter()
  meters.set(name, meter)
  return meter
}
