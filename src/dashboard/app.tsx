import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks"
import { AIRequestQueueError } from "../client/client.ts"
import { type Kept, KeptContext } from "./data/kept.ts"
import { PULSE_EVERY_MS, PulseContext } from "./data/pulse.ts"
import { useReading } from "./data/use-reading.ts"
import { Shell } from "./layout/shell.tsx"
import { Loading, Problem } from "./parts/states.tsx"
import { forgetKey, keptKey, type Session, SessionContext, seesAll, signIn } from "./session.ts"
import { SignIn } from "./sign-in.tsx"

const ENDED = "The key is not good any more. Sign in again."

export function App() {
  const [session, setSession] = useState<Session | null>(null)
  const [isEntering, setEntering] = useState(keptKey() !== null)
  const [error, setError] = useState<Error | null>(null)
  const [notice, setNotice] = useState<string | null>(null)

  const latest = useRef("")

  const end = useCallback((why: string | null) => {
    latest.current = ""
    forgetKey()
    setSession(null)
    setNotice(why)
  }, [])
  const enter = useCallback(
    async (key: string) => {
      setNotice(null)
      latest.current = key
      // What comes late for a key that was left ends nothing.
      setSession(await signIn(key, () => latest.current === key && end(ENDED)))
    },
    [end],
  )

  // A tab that is loaded anew is still signed in.
  useEffect(() => {
    const key = keptKey()
    if (key === null) return
    enter(key)
      .catch((caught) => (isUnauthorized(caught) ? end(ENDED) : setError(caught)))
      .finally(() => setEntering(false))
  }, [enter, end])

  if (session !== null) return <SignedIn session={session} onSignOut={() => end("Signed out.")} />
  if (isEntering) return <Loading rows={6} />
  if (error !== null && keptKey() !== null) {
    return (
      <main id="main" class="sign-in">
        <Problem error={error} />
        <button type="button" class="main" onClick={() => location.reload()}>
          Try again
        </button>
        <button type="button" onClick={() => end(null)}>
          Sign out
        </button>
      </main>
    )
  }
  return <SignIn notice={notice} onKey={enter} />
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof AIRequestQueueError && error.status === 401
}

function SignedIn({ session, onSignOut }: { session: Session; onSignOut: () => void }) {
  const kept = useMemo<Kept>(() => new Map(), [session])
  return (
    <SessionContext.Provider value={session}>
      <KeptContext.Provider value={kept}>
        {seesAll(session.self) ? (
          <WithPulse session={session} onSignOut={onSignOut} />
        ) : (
          <Shell onSignOut={onSignOut} />
        )}
      </KeptContext.Provider>
    </SessionContext.Provider>
  )
}

function WithPulse({ session, onSignOut }: { session: Session; onSignOut: () => void }) {
  const pulse = useReading(
    async () => {
      const pulse = await session.client.pulse()
      session.prices.learn(pulse)
      return pulse
    },
    PULSE_EVERY_MS,
    [session],
  )
  return (
    <PulseContext.Provider value={pulse}>
      <Shell onSignOut={onSignOut} />
    </PulseContext.Provider>
  )
}
