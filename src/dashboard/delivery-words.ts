import type { DeliveryAttempt } from "../client/client.ts"

type Result = Pick<DeliveryAttempt, "status" | "error">

const REASONS: Record<NonNullable<Result["error"]>, string> = {
  status: "it was refused",
  redirect: "redirects are not followed",
  gone: "the receiver says that this URL is gone",
  timeout: "no answer within 15 s",
  network: "no connection",
  private_address: "its host leads to a private address",
  not_resolved: "its host is not known to DNS",
}

/** How one call of a receiver ended: "500: it was refused", "no connection", "204". */
export function tellResult({ status, error }: Result): string {
  const parts = [status, error && (REASONS[error] ?? error)]
  return parts.filter((part) => part !== null).join(": ")
}
