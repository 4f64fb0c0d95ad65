import { useState } from "preact/hooks"
import { AIRequestQueueError } from "../client/client.ts"
import { Problem } from "./parts/states.tsx"

interface Props {
  /** Why one is here again. */
  notice: string | null
  onKey: (key: string) => Promise<void>
}

export function SignIn({ notice, onKey }: Props) {
  const [error, setError] = useState<Error | null>(null)
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const key = String(new FormData(event.currentTarget as HTMLFormElement).get("key")).trim()
    setBusy(true)
    setError(null)
    await onKey(key).catch((caught: unknown) => setError(readable(caught)))
    setBusy(false)
  }
  return (
    <main id="main" class="sign-in">
      <h1>AI request queue</h1>
      <form onSubmit={submit}>
        <label for="key">API key</label>
        <input
          id="key"
          name="key"
          type="password"
          autocomplete="off"
          spellcheck={false}
          required
          aria-describedby="key-hint"
        />
        <p id="key-hint" class="muted">
          The admin key, or an issued one: it shows what it may see. It is kept in this tab alone, until you
          sign out or close it.
        </p>
        {error !== null ? <Problem error={error} /> : notice !== null && <p role="status">{notice}</p>}
        <button type="submit" class="main" aria-busy={isBusy}>
          Sign in
        </button>
      </form>
    </main>
  )
}

function readable(error: unknown): Error {
  if (error instanceof TypeError) return new AIRequestQueueError("unauthorized", "This cannot be a key.")
  if (error instanceof AIRequestQueueError && error.code === "unauthorized") {
    return new AIRequestQueueError("unauthorized", "This key is not known here.")
  }
  return error instanceof Error ? error : new Error(String(error))
}
