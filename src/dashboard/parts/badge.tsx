import type { ComponentChildren } from "preact"

export type Tone = "good" | "warn" | "bad" | "info" | "muted"

/** Shapes beside the colours, which not everybody tells apart. */
const SIGNS: Record<Tone, string> = { good: "●", warn: "▲", bad: "■", info: "◆", muted: "○" }

export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class={`badge ${tone}`}>
      <span aria-hidden="true">{SIGNS[tone]}</span> {children}
    </span>
  )
}
