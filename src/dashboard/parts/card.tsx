import type { ComponentChildren } from "preact"
import { useId } from "preact/hooks"

interface Props {
  title: string
  /** Beside the title: a switch, a link. */
  aside?: ComponentChildren
  /** Takes the whole width of the grid. */
  isWide?: boolean
  /** How much of the board of the overview it takes where that has many columns. */
  span?: "most" | "half" | "rest"
  children: ComponentChildren
}

/** One matter: a landmark with its title. */
export function Card({ title, aside, isWide = false, span, children }: Props) {
  const id = useId()
  return (
    <section class={["card", isWide && "wide", span].filter(Boolean).join(" ")} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  )
}
