import type { BatchServiceDeps } from "../../src/batches/service.ts"

/** The process has ended. */
export class Killed extends Error {}

/**
 * A process that dies at its `at`-th instant: of each call to the store it has one before the call, and one after it,
 * when the call was executed but nobody hears of it. Whatever it tries afterwards does not happen.
 */
export function killable(deps: BatchServiceDeps, at: number): BatchServiceDeps {
  let instants = 0
  const instant = () => {
    instants += 1
    if (instants >= at) throw new Killed()
  }
  const around = async <Result>(call: () => Result | Promise<Result>): Promise<Result> => {
    instant()
    const result = await call()
    instant()
    return result
  }
  const guard = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(from, name, receiver) {
        const member: unknown = Reflect.get(from, name, receiver)
        if (typeof member !== "function" || /^new/.test(String(name))) return member
        return (...args: unknown[]) => {
          if (name !== "readChunks") return around(() => Reflect.apply(member, from, args))
          return guardChunks(Reflect.apply(member, from, args))
        }
      },
    })
  async function* guardChunks(chunks: AsyncGenerator<string, void>) {
    for (;;) {
      const { value } = await around(() => chunks.next())
      if (value === undefined) return
      yield value
    }
  }
  return { ...deps, queue: guard(deps.queue), batches: guard(deps.batches), files: guard(deps.files) }
}
