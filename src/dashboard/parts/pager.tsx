import type { Paged } from "../data/use-pages.ts"

/** Of which list, for who cannot see where it stands. */
export function Pager<Entry>({ of, label }: { of: Paged<Entry>; label: string }) {
  const { page, older, newer } = of
  return (
    <nav class="buttons" aria-label={label}>
      <button type="button" disabled={newer === null} onClick={() => newer?.()}>
        Newer
      </button>
      <button type="button" disabled={older === null} onClick={() => older?.()}>
        Older
      </button>
      <button type="button" aria-busy={page.isReading} onClick={() => void page.refresh()}>
        Read again
      </button>
    </nav>
  )
}
