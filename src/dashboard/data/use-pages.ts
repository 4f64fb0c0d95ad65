import { useState } from "preact/hooks"
import type { Page } from "../../client/client.ts"
import { useReading, type Watched } from "./use-reading.ts"

export interface Paged<Entry> {
  page: Watched<Page<Entry>>
  /** null: there is none. */
  older: (() => void) | null
  newer: (() => void) | null
}

/** A list, page by page, newest first; read when asked for only. `about` says what the list is of. */
export function usePages<Entry>(
  read: (cursor: string | undefined) => Promise<Page<Entry>>,
  about: readonly unknown[],
): Paged<Entry> {
  const key = JSON.stringify(about)
  const [place, setPlace] = useState<{ key: string; cursors: string[] }>({ key, cursors: [] })
  // Of another list, a cursor means nothing.
  const cursors = place.key === key ? place.cursors : []
  const page = useReading(() => read(cursors.at(-1)), null, [key, cursors.at(-1)])
  const next = page.value?.nextCursor ?? null
  const move = (to: string[]) => setPlace({ key, cursors: to })
  return {
    page,
    older: next === null || page.isReading ? null : () => move([...cursors, next]),
    newer: cursors.length === 0 ? null : () => move(cursors.slice(0, -1)),
  }
}
