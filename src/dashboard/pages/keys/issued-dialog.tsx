import { useRef, useState } from "preact/hooks"
import type { IssuedKey } from "../../../client/client.ts"
import { Dialog } from "../../parts/dialog.tsx"

/** The only time that a key is seen. */
export function IssuedDialog({ issued, onClose }: { issued: IssuedKey; onClose: () => void }) {
  const [isCopied, setCopied] = useState(false)
  const shown = useRef<HTMLElement>(null)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(issued.key)
      setCopied(true)
    } catch {
      // Not over http, nor where it was forbidden: then a person copies what is marked.
      if (shown.current !== null) getSelection()?.selectAllChildren(shown.current)
    }
  }
  return (
    <Dialog title={`The key of ${issued.name}`} onClose={onClose}>
      <p>This is the only time it is shown: keep it where secrets are kept.</p>
      <p>
        <code ref={shown} class="secret">
          {issued.key}
        </code>
      </p>
      <div class="buttons">
        <button type="button" class="main" onClick={() => void copy()}>
          {isCopied ? "Copied" : "Copy it"}
        </button>
        <button type="button" onClick={onClose}>
          I have it
        </button>
      </div>
    </Dialog>
  )
}
