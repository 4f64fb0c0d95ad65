import { useRoute } from "../../router.ts"
import { RequestDetails } from "./request-details.tsx"
import { RequestList } from "./request-list.tsx"

export function Requests() {
  const { path, query } = useRoute()
  const [, requestId] = path
  return requestId === undefined ? (
    <RequestList query={query} />
  ) : (
    <RequestDetails key={requestId} requestId={requestId} />
  )
}
