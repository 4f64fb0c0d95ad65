import type { Paged } from "../data/use-pages.ts"

/** Of which list, for who cannot see where it stands. A button that leads nowhere keeps the focus that it has. */
export function Pager<Entry>({ of, label }: { of: Paged<Entry>; label: string }) {
  const { page, number, older, newer } = of
  const rows = page.value?.data.length ?? 0
  return (
    <nav class="buttons" aria-label={label}>
      <span class="muted" role="status">
        {page.isReading ? "Reading …" : `Page ${number}, ${rows === 1 ? "1 row" : `${rows} rows`}`}
      </span>
      <button type="button" aria-disabled={newer === null} onClick={() => newer?.()}>
        Newer
      </button>
      <button type="button" aria-disabled={older === null} onClick={() => older?.()}>
        Older
      </button>
      <button
        type="button"
        aria-busy={page.isReading}
        onClick={() => {
          if (!page.isReading) void page.refresh()
        }}
      >
        Read again
      </button>
    </nav>
  )
}
