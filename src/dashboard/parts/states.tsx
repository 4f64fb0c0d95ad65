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

/** `isWatched`: it is asked again by itself. */
export function Problem({ error, isWatched = false }: { error: Error; isWatched?: boolean }) {
  return (
    <p class="problem" role="alert">
      <span aria-hidden="true">■ </span>
      {isWatched ? explain(error) : explainOnce(error)}
    </p>
  )
}

/** What is wrong with what is watched, and what comes of it. */
export function explain(error: Error): string {
  const text = OUTAGES[codeOf(error)]
  return text === undefined ? explainOnce(error) : `${text} Trying again.`
}

const OUTAGES: Record<string, string | undefined> = {
  unreachable: "The queue cannot be reached.",
  timeout: "The queue does not answer.",
  store_unavailable: "The queue's store is down.",
}

function codeOf(error: Error): string {
  return error instanceof AIRequestQueueError ? error.code : ""
}

/** Of what a person asked for, who can ask again. */
export function explainOnce(error: Error): string {
  if (!(error instanceof AIRequestQueueError)) return `The page failed: ${error.message}`
  const outage = OUTAGES[error.code]
  if (outage !== undefined) return `${outage} Look whether it was done before you try again.`
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
      {of.error !== null && <Problem error={of.error} isWatched />}
      {of.value === null ? of.error === null && <Loading rows={rows} /> : children(of.value)}
    </>
  )
}
