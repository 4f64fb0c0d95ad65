import { useEffect, useRef, useState } from "preact/hooks"
import { useSession } from "../session.ts"
import { useKept } from "./kept.ts"
import { type Reading, type Watch, watch } from "./watch.ts"

export type Watched<T> = Reading<T> & { refresh(): Promise<void> }

interface ReadingOptions {
  /** Commands, of what is watched beside the pulse: it waits for as long as the limit of watching asks for. */
  price?: number
  /** The answer outlives what shows it: going to another page and back asks no sooner than staying would have. */
  name?: string
}

const NOTHING = { value: null, error: null, readAt: null, isReading: true }

/**
 * What `read` answers, now and every `everyMs` while somebody sees it; null: once. `about` says what it is about: when that
 * changes, it begins anew, and what was read before stays until the new answer is there.
 */
export function useReading<T>(
  read: (signal: AbortSignal) => Promise<T>,
  everyMs: number | null,
  about: readonly unknown[] = [],
  { price = 0, name }: ReadingOptions = {},
): Watched<T> {
  const kept = useKept()
  const { meter } = useSession()
  const [reading, setReading] = useState<Reading<T>>(NOTHING)
  const current = useRef<Watch | null>(null)
  const pace = useRef(everyMs)
  pace.current = everyMs
  const cost = useRef(price)
  cost.current = price
  useEffect(() => {
    const from = name === undefined ? undefined : (kept.get(name) as { value: T; readAt: number } | undefined)
    setReading((last) =>
      from === undefined ? { ...last, isReading: true } : { ...NOTHING, ...from, isReading: false },
    )
    const started = watch<T>({
      read,
      from,
      everyMs: () => pace.current,
      afford: () => meter.waitFor(cost.current),
      tell: (next) => {
        if (name !== undefined && next.value !== null && next.readAt !== null) {
          kept.set(name, { value: next.value, readAt: next.readAt })
        }
        setReading((last) =>
          next.value === null ? { ...next, value: last.value, readAt: last.readAt } : next,
        )
      },
    })
    current.current = started
    return started.stop
  }, [name, ...about])
  useEffect(() => current.current?.plan(), [everyMs])
  return { ...reading, refresh: async () => current.current?.refresh() }
}
