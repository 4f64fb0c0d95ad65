import { useEffect, useRef, useState } from "preact/hooks"
import type { SweepGroup, SweepTotals } from "../../../client/client.ts"
import { formatCount } from "../../format.ts"
import { Dialog } from "../../parts/dialog.tsx"
import { Problem } from "../../parts/states.tsx"
import { useSession } from "../../session.ts"

interface Props {
  verb: "replay" | "discard"
  group: SweepGroup
  /** `isChanged`: something may have been done. */
  onClose: (isChanged: boolean) => void
}

type Stage = "counting" | "asking" | "running" | "over"

const WORDS = {
  replay: { name: "Replay", done: "replayed", warning: "Each is called again, and calls are paid." },
  discard: { name: "Discard", done: "discarded", warning: "This cannot be taken back." },
}

/** Counts first, without touching anything; then works through them, page by page, until it is done or stopped. */
export function SweepDialog({ verb, group: { provider, errorCode }, onClose }: Props) {
  const { client } = useSession()
  const [stage, setStage] = useState<Stage>("counting")
  const [counted, setCounted] = useState(0)
  const [totals, setTotals] = useState<SweepTotals | null>(null)
  const [error, setError] = useState<Error | null>(null)
  const [stopper] = useState(() => new AbortController())
  const last = useRef<HTMLButtonElement>(null)
  const words = WORDS[verb]

  const work = async (dryRun: boolean) => {
    const filter = { state: "failed" as const, provider, ...(errorCode !== null && { errorCode }) }
    const onProgress = (next: SweepTotals) => (dryRun ? setCounted(next.matched) : setTotals(next))
    const many = verb === "replay" ? client.replayMany : client.discardMany
    try {
      await many.call(client, filter, { dryRun, onProgress, signal: stopper.signal })
    } catch (caught) {
      if (!stopper.signal.aborted) setError(caught instanceof Error ? caught : new Error(String(caught)))
    }
    setStage(dryRun ? "asking" : "over")
  }
  useEffect(() => {
    void work(true)
    return () => stopper.abort()
  }, [])
  // The button that began it is gone; the one that ends it has its focus.
  useEffect(() => {
    if (stage === "running") last.current?.focus()
  }, [stage])
  const close = () => onClose(totals !== null || stage === "running")

  const question = `This will ${verb} ${counted === 1 ? "1 request" : `${formatCount(counted)} requests`}. ${words.warning}`
  return (
    <Dialog title={`${words.name} ${provider}: ${errorCode ?? "no code"}`} onClose={close}>
      {totals !== null && (
        <progress aria-label="Progress" max={Math.max(counted, totals.matched)} value={totals.matched} />
      )}
      <p role="status">
        {stage === "counting" && `Counting: ${formatCount(counted)} so far …`}
        {stage === "asking" && error === null && (counted === 0 ? "There are none any more." : question)}
        {totals !== null && (
          <>
            {formatCount(totals.done)} of {formatCount(Math.max(counted, totals.matched))} {words.done}
            {totals.skipped > 0 && `, ${formatCount(totals.skipped)} had changed meanwhile`}
            {stage === "over" && (stopper.signal.aborted ? ": stopped." : ".")}
          </>
        )}
      </p>
      {error !== null && <Problem error={error} />}
      <div class="buttons">
        {stage === "asking" && error === null && counted > 0 && (
          <button
            type="button"
            class={verb === "discard" ? "danger" : "main"}
            onClick={() => {
              setStage("running")
              void work(false)
            }}
          >
            {words.name} {formatCount(counted)}
          </button>
        )}
        <button ref={last} type="button" onClick={() => (stage === "running" ? stopper.abort() : close())}>
          {stage === "running" ? "Stop" : "Close"}
        </button>
      </div>
    </Dialog>
  )
}
