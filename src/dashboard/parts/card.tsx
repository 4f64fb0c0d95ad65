import type { ComponentChildren } from "preact"
import { useId } from "preact/hooks"

interface Props {
  title: string
  /** Beside the title: a switch, a link. */
  aside?: ComponentChildren
  /** Takes the whole width of the grid. */
  isWide?: boolean
  children: ComponentChildren
}

/** One matter: a landmark with its title. */
export function Card({ title, aside, isWide = false, children }: Props) {
  const id = useId()
  return (
    <section class={`card${isWide ? " wide" : ""}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  )
}
