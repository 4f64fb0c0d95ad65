import { useState } from "preact/hooks"
import type { Page } from "../../client/client.ts"
import { useReading, type Watched } from "./use-reading.ts"

export interface Paged<Entry> {
  page: Watched<Page<Entry>>
  /** From 1 on. */
  number: number
  /** null: there is none. */
  older: (() => void) | null
  newer: (() => void) | null
}

interface Place {
  key: string
  cursors: string[]
}

/**
 * A list, page by page, newest first; read when asked for only. `about` says what the list is of. Who comes back to it
 * comes back to the same page.
 */
export function usePages<Entry>(
  read: (cursor: string | undefined) => Promise<Page<Entry>>,
  about: readonly unknown[],
): Paged<Entry> {
  const key = JSON.stringify(about)
  const [place, setPlace] = useState<Place>(() => (history.state as Place | null) ?? { key, cursors: [] })
  // Of another list, a cursor means nothing.
  const cursors = place.key === key ? place.cursors : []
  const cursor = cursors.at(-1)
  const reading = useReading(async () => ({ key, cursor, page: await read(cursor) }), null, [key, cursor])
  const { value } = reading
  // Another list's entries stay until there are new ones, but not beside the error that came instead.
  const isShown = value !== null && (value.key === key || reading.error === null)
  const next = value?.key === key && value.cursor === cursor ? value.page.nextCursor : null
  const move = (to: string[]) => {
    history.replaceState({ key, cursors: to } satisfies Place, "")
    setPlace({ key, cursors: to })
  }
  return {
    page: { ...reading, value: isShown ? value.page : null },
    number: cursors.length + 1,
    older: next === null || reading.isReading ? null : () => move([...cursors, next]),
    newer: cursors.length === 0 ? null : () => move(cursors.slice(0, -1)),
  }
}
