import type { ComponentChildren } from "preact"

interface Column<Row> {
  title: string
  /** Figures stand under each other. */
  isFigure?: boolean
  show: (row: Row) => ComponentChildren
}

interface Props<Row> {
  /** What the rows are, for who cannot see where the table stands. */
  label: string
  columns: Column<Row>[]
  rows: Row[]
  keyOf: (row: Row) => string
  empty: ComponentChildren
}

/** Scrolls by itself where it is too wide, also by keys. The first column names its row. */
export function Table<Row>({ label, columns, rows, keyOf, empty }: Props<Row>) {
  if (rows.length === 0) return <p class="empty">{empty}</p>
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section class="scroll" aria-label={`${label}, table`} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map(({ title, isFigure }) => (
              <th key={title} scope="col" class={isFigure ? "figure" : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ title, isFigure, show }, i) =>
                i === 0 ? (
                  <th key={title} scope="row">
                    {show(row)}
                  </th>
                ) : (
                  <td key={title} class={isFigure ? "figure" : undefined} data-title={title}>
                    {show(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
