import type { ComponentChildren } from "preact"

/** One number, to be read from afar. */
export function Figure({
  label,
  children,
  note,
}: {
  label: string
  children: ComponentChildren
  note?: ComponentChildren
}) {
  return (
    <div class="figure-box">
      <dt>{label}</dt>
      <dd>
        <b>{children}</b>
        {note !== undefined && <small class="muted">{note}</small>}
      </dd>
    </div>
  )
}
