import { useState } from "preact/hooks"
import { useAction } from "../data/use-action.ts"
import { Dialog } from "./dialog.tsx"
import { keepFocus, say } from "./focus.ts"
import { explainOnce } from "./states.tsx"

interface Props {
  label: string
  /** What it is done to, for who cannot see where it stands. */
  about?: string
  act: () => Promise<unknown>
  /** What comes of it, which has to be said yes to. Absent: it can be taken back, and is done at once. */
  confirm?: string
  tone?: "plain" | "main" | "danger"
  isDisabled?: boolean
}

/** A lever. Says when it could not be pulled. */
export function ActionButton({ label, about, act, confirm, tone = "plain", isDisabled = false }: Props) {
  const name = about === undefined ? label : `${label} ${about}`
  const [isAsking, setAsking] = useState(false)
  const { run, isBusy, error } = useAction(async () => {
    await act()
    say(`${name}: done.`)
    keepFocus()
  })
  return (
    <>
      <button
        type="button"
        class={tone}
        aria-label={name}
        disabled={isDisabled}
        aria-busy={isBusy}
        onClick={() => (confirm === undefined ? void run() : setAsking(true))}
      >
        {label}
      </button>
      {error !== null && (
        <span class="problem" role="alert">
          <span aria-hidden="true">■ </span>
          {explainOnce(error)}
        </span>
      )}
      {isAsking && (
        <Dialog title={name} onClose={() => setAsking(false)}>
          <p>{confirm}</p>
          <div class="buttons">
            <button
              type="button"
              class={tone === "plain" ? "main" : tone}
              onClick={() => {
                setAsking(false)
                void run()
              }}
            >
              {label}
            </button>
            <button type="button" onClick={() => setAsking(false)}>
              Keep it as it is
            </button>
          </div>
        </Dialog>
      )}
    </>
  )
}
