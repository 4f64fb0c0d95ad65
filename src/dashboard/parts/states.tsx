import type { ComponentChildren } from "preact"
import { AIRequestQueueError } from "../../client/client.ts"
import type { Watched } from "../data/use-reading.ts"

/** There is nothing, which is no error: what would be here, and how it comes here. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>
}

/** As high as what will be there, so that nothing jumps. */
export function Loading({ rows = 3 }: { rows?: number }) {
  return (
    <div class="loading" role="status">
      <span class="hidden">Loading</span>
      {Array.from({ length: rows }, (_, i) => (
        <i key={i} />
      ))}
    </div>
  )
}

export function Problem({ error }: { error: Error }) {
  return (
    <p class="problem" role="alert">
      <span aria-hidden="true">■ </span>
      {explain(error)}
    </p>
  )
}

/** What is wrong, and what comes of it. */
export function explain(error: Error): string {
  if (!(error instanceof AIRequestQueueError)) return `The page failed: ${error.message}`
  if (error.code === "unreachable" || error.code === "timeout")
    return "The queue cannot be reached. Trying again."
  if (error.code === "store_unavailable") return "The queue's store is down. Trying again."
  const fields = error.errors.map(({ path, message }) => `${path} ${message}`).join("; ")
  return fields === "" ? error.detail : `${error.detail} ${fields}`
}

interface ReadProps<T> {
  of: Watched<T>
  rows?: number
  children: (value: T) => ComponentChildren
}

/** What was read; until then that it is on its way, and beside what is old why there is nothing newer. */
export function Read<T>({ of, rows = 3, children }: ReadProps<T>) {
  return (
    <>
      {of.error !== null && <Problem error={of.error} />}
      {of.value === null ? of.error === null && <Loading rows={rows} /> : children(of.value)}
    </>
  )
}
