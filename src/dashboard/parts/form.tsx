import type { ComponentChildren } from "preact"
import { useRef, useState } from "preact/hooks"
import { AIRequestQueueError } from "../../client/client.ts"
import { useAction } from "../data/use-action.ts"
import { Problem } from "./states.tsx"

interface Props {
  /** What it is about, for who cannot see where it stands. */
  label: string
  submit: string
  /** Said when it is done, and the fields show again what is so. */
  done?: string
  /** One field with its button beside it. */
  isLine?: boolean
  /** What it does with its fields; what it throws is told at the field, or below. */
  act: (fields: FormData) => Promise<unknown>
  children: (error: Error | null) => ComponentChildren
}

export function Form({ label, submit, done, isLine = false, act, children }: Props) {
  const form = useRef<HTMLFormElement>(null)
  const [isDone, setDone] = useState(false)
  const { run, isBusy, error } = useAction(async () => {
    if (form.current === null) return
    setDone(false)
    await act(new FormData(form.current))
    if (done === undefined) return
    form.current?.reset()
    setDone(true)
  })
  return (
    <form
      ref={form}
      class={isLine ? "form line" : "form"}
      aria-label={label}
      onInput={() => setDone(false)}
      onSubmit={(event) => {
        event.preventDefault()
        void run()
      }}
    >
      {children(error)}
      {error !== null && <Problem error={error} />}
      <div class="buttons">
        <button type="submit" class="main" aria-busy={isBusy}>
          {submit}
        </button>
        {done !== undefined && <span role="status">{isDone && done}</span>}
      </div>
    </form>
  )
}

/** What an answer says of one member of the body, as `/rpm`. */
export function problemAt(error: Error | null, path: string): string | undefined {
  if (!(error instanceof AIRequestQueueError)) return undefined
  return error.errors.find((each) => each.path === path)?.message
}

/** Empty: null. */
export function readNumber(fields: FormData, name: string): number | null {
  const text = String(fields.get(name) ?? "").trim()
  return text === "" ? null : Number(text)
}
