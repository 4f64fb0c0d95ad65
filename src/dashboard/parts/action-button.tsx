import { useState } from "preact/hooks"
import { useAction } from "../data/use-action.ts"
import { Dialog } from "./dialog.tsx"
import { explain } from "./states.tsx"

interface Props {
  label: string
  act: () => Promise<unknown>
  /** What comes of it, which has to be said yes to. Absent: it can be taken back, and is done at once. */
  confirm?: string
  tone?: "plain" | "main" | "danger"
  isDisabled?: boolean
}

/** A lever. Says when it could not be pulled. */
export function ActionButton({ label, act, confirm, tone = "plain", isDisabled = false }: Props) {
  const [isAsking, setAsking] = useState(false)
  const { run, isBusy, error } = useAction(act)
  return (
    <>
      <button
        type="button"
        class={tone}
        disabled={isDisabled}
        aria-busy={isBusy}
        onClick={() => (confirm === undefined ? void run() : setAsking(true))}
      >
        {label}
      </button>
      {error !== null && (
        <span class="problem" role="alert">
          {explain(error)}
        </span>
      )}
      {isAsking && (
        <Dialog title={label} onClose={() => setAsking(false)}>
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
