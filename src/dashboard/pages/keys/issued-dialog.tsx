import { useState } from "preact/hooks"
import type { IssuedKey } from "../../../client/client.ts"
import { Dialog } from "../../parts/dialog.tsx"

/** The only time that a key is seen. */
export function IssuedDialog({ issued, onClose }: { issued: IssuedKey; onClose: () => void }) {
  const [isCopied, setCopied] = useState(false)
  return (
    <Dialog title={`The key of ${issued.name}`} onClose={onClose}>
      <p>This is the only time it is shown: keep it where secrets are kept.</p>
      <p>
        <code class="secret">{issued.key}</code>
      </p>
      <div class="buttons">
        <button
          type="button"
          class="main"
          onClick={() => void navigator.clipboard.writeText(issued.key).then(() => setCopied(true))}
        >
          {isCopied ? "Copied" : "Copy it"}
        </button>
        <button type="button" onClick={onClose}>
          I have it
        </button>
      </div>
    </Dialog>
  )
}
