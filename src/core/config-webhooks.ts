import type { Config } from "./config.ts"
import type { Variables } from "./config-variables.ts"

const RESOLVER = "https://cloudflare-dns.com/dns-query"

export function readWebhooks({
  text,
  url,
  note,
}: Variables): Pick<Config, "webhookAllowPrivate" | "webhookResolver"> {
  const allow = text("WEBHOOK_ALLOW_PRIVATE")
  if (!["", "0", "1"].includes(allow)) note("WEBHOOK_ALLOW_PRIVATE", "must be 1 or 0")
  const isOff = text("WEBHOOK_RESOLVER") === "off"
  const webhookResolver = isOff ? "" : url("WEBHOOK_RESOLVER") || RESOLVER
  return { webhookAllowPrivate: allow === "1", webhookResolver }
}
