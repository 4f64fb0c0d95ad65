import * as z from "zod/mini"
import type { Config } from "../config.ts"
import { isPublicHost } from "../public-address.ts"
import { CALLBACK_EVENTS } from "../request.ts"
import { membersOf } from "./members.ts"
import { type Path, type Problem, problem } from "./problem.ts"

const MAX_URL = 2048

/** Why a URL may not be called; null: it may. */
function urlProblem(
  text: string,
  { webhookAllowPrivate }: Pick<Config, "webhookAllowPrivate">,
): string | null {
  if (!URL.canParse(text)) return "must be an absolute https URL"
  const { protocol, username, password, hostname, href } = new URL(text)
  if (protocol !== "https:" && !(webhookAllowPrivate && protocol === "http:")) return "must be an https URL"
  if (username !== "" || password !== "") {
    return "must not hold a user name or password: webhooks are signed, and a token may stand in the query"
  }
  if (href.length > MAX_URL) return `must have at most ${MAX_URL} characters`
  if (!webhookAllowPrivate && !isPublicHost(hostname)) {
    return "must lead to a public host (WEBHOOK_ALLOW_PRIVATE=1 allows others, for trying things out)"
  }
  return null
}

/** Counted before they are looked at: a hostile body can hold half a million. */
const Events = z.pipe(
  z.array(z.unknown()).check(z.minLength(1), z.maxLength(CALLBACK_EVENTS.length)),
  z.array(z.enum(CALLBACK_EVENTS)),
)

/** A request's `callback`: see `Callback`. Whether its URL may be called, `callbackProblems` tells. */
export const CallbackBody = z.pipe(
  z.strictObject({
    url: z.string().check(z.minLength(1), z.maxLength(MAX_URL)),
    events: z._default(Events, [...CALLBACK_EVENTS]),
    includeResponse: z._default(z.boolean(), false),
  }),
  z.transform(({ url, events, ...rest }) => ({
    ...{ url: URL.canParse(url) ? writeUrl(url) : url, ...rest },
    events: CALLBACK_EVENTS.filter((event) => events.includes(event)),
  })),
)

/** Of the raw member: others' problems must not hide these. */
export function callbackProblems(
  value: unknown,
  config: Pick<Config, "webhookAllowPrivate">,
  at: Path,
): Problem[] {
  const { url } = membersOf(value)
  if (typeof url !== "string" || url === "" || url.length > MAX_URL) return []
  const message = urlProblem(url, config)
  return message === null ? [] : [problem([...at, "url"], message)]
}

/** A fragment is nobody's but a browser's. Records are joined by "|", which a URL can do without. */
function writeUrl(text: string): string {
  const url = new URL(text)
  url.hash = ""
  return url.href.replaceAll("|", "%7C")
}
