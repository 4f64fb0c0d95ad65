import { AsyncLocalStorage } from "node:async_hooks"

/** A Worker's invocation has that many connections that may wait for response headers. */
const CONNECTIONS = 6

const current = new AsyncLocalStorage<Invocation>()

/**
 * One invocation of a Worker, as far as its connections go: a local runtime does not limit them, Cloudflare does. Of all
 * calls of `fetch` that `run` leads to, to providers and to the store, six wait for headers at a time; a seventh queues,
 * while its signal ticks. Headers, or a failure, free the connection; a body that streams holds none.
 */
export class Invocation {
  mostWaiting = 0
  mostQueued = 0
  #waiting = 0
  readonly #queue = new Set<() => void>()

  get waiting(): number {
    return this.#waiting
  }

  get queued(): number {
    return this.#queue.size
  }

  /** Everything that `work` starts belongs to this invocation, however far away `fetch` is called. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    patchFetch()
    return current.run(this, work)
  }

  async fetch(inner: typeof fetch, ...[input, init]: Parameters<typeof fetch>): Promise<Response> {
    await this.#connect(init?.signal ?? (input instanceof Request ? input.signal : null))
    try {
      return await inner(input, init)
    } finally {
      const [next] = this.#queue
      if (next === undefined) this.#waiting -= 1
      else next()
    }
  }

  /** Who queued first is served first. A signal that fires ends the wait. */
  #connect(signal: AbortSignal | null): Promise<void> {
    if (this.#waiting < CONNECTIONS) {
      this.#waiting += 1
      this.mostWaiting = Math.max(this.mostWaiting, this.#waiting)
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#queue.delete(serve)
        signal?.removeEventListener("abort", abort)
      }
      const serve = () => {
        leave()
        resolve()
      }
      const abort = () => {
        leave()
        reject(signal?.reason)
      }
      if (signal?.aborted) return abort()
      signal?.addEventListener("abort", abort)
      this.#queue.add(serve)
      this.mostQueued = Math.max(this.mostQueued, this.#queue.size)
    })
  }
}

let isPatched = false

/** The store's client calls the global `fetch`. What belongs to no invocation goes straight through. */
function patchFetch(): void {
  if (isPatched) return
  isPatched = true
  const real = globalThis.fetch
  globalThis.fetch = (...args) => {
    const invocation = current.getStore()
    return invocation === undefined ? real(...args) : invocation.fetch(real, ...args)
  }
}
