import { useEffect, useRef, useState } from "preact/hooks"
import { type Reading, type Watch, watch } from "./watch.ts"

export type Watched<T> = Reading<T> & { refresh(): Promise<void> }

const NOTHING = { value: null, error: null, readAt: null, isReading: true }

/**
 * What `read` answers, now and every `everyMs` while somebody sees it; null: once. `about` says what it is about: when that
 * changes, it begins anew and what was read before is kept until the new answer is there.
 */
export function useReading<T>(
  read: (signal: AbortSignal) => Promise<T>,
  everyMs: number | null,
  about: readonly unknown[] = [],
): Watched<T> {
  const [reading, setReading] = useState<Reading<T>>(NOTHING)
  const current = useRef<Watch | null>(null)
  useEffect(() => {
    const started = watch(read, everyMs, (next) =>
      setReading((last) =>
        next.value === null ? { ...next, value: last.value, readAt: last.readAt } : next,
      ),
    )
    current.current = started
    setReading((last) => ({ ...last, isReading: true }))
    return started.stop
  }, [everyMs, ...about])
  return { ...reading, refresh: async () => current.current?.refresh() }
}
