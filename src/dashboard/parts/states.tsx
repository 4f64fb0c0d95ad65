import type { ComponentChildren } from "preact"
import { AIRequestQueueError } from "../../client/client.ts"
import type { Watched } from "../data/use-reading.ts"
import { isPassing } from "../data/watch.ts"

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

/** `isWatched`: it is tried again without anybody's doing, where that makes sense. */
export function Problem({ error, isWatched = false }: { error: Error; isWatched?: boolean }) {
  return (
    <p class="problem" role="alert">
      <span aria-hidden="true">■ </span>
      {isWatched ? explain(error) : explainOnce(error)}
      {isWatched && isPassing(error) && " Trying again."}
    </p>
  )
}

const OUTAGES: Record<string, string | undefined> = {
  unreachable: "The queue cannot be reached.",
  timeout: "The queue does not answer.",
  store_unavailable: "The queue's store is down.",
}

/** What is wrong. */
export function explain(error: Error): string {
  if (!(error instanceof AIRequestQueueError)) return `The page failed: ${error.message}`
  const outage = OUTAGES[error.code]
  if (outage !== undefined) return outage
  const fields = error.errors.map(({ path, message }) => `${path} ${message}`).join("; ")
  return fields === "" ? error.detail : `${error.detail} ${fields}`
}

/** The same of what a person asked for, who can ask again. */
export function explainOnce(error: Error): string {
  const isOutage = error instanceof AIRequestQueueError && OUTAGES[error.code] !== undefined
  return isOutage ? `${explain(error)} Look whether it was done before you try again.` : explain(error)
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
      {of.error !== null && <Problem error={of.error} isWatched />}
      {of.value === null ? of.error === null && <Loading rows={rows} /> : children(of.value)}
    </>
  )
}
