import { useEffect, useRef } from "preact/hooks"
import { focusContent } from "../../parts/focus.ts"
import { useRoute } from "../../router.ts"
import { RequestDetails } from "./request-details.tsx"
import { RequestList } from "./request-list.tsx"

export function Requests() {
  const { path, query } = useRoute()
  const [, requestId] = path
  const shown = useRef(requestId)
  // The link that led here is gone.
  useEffect(() => {
    if (shown.current !== requestId) focusContent()
    shown.current = requestId
  }, [requestId])
  return requestId === undefined ? (
    <RequestList query={query} />
  ) : (
    <RequestDetails key={requestId} requestId={requestId} />
  )
}
