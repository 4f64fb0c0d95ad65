import { isDeepStrictEqual } from "node:util"
import { readHead } from "../../../src/queue/frames.ts"
import { createKeys } from "../../../src/queue/keys.ts"
import { decodeRecord } from "../../../src/queue/record.ts"
import type { Case } from "./cases.ts"
import { problemOf } from "./problem-of.ts"
import type { Answer, ServedWorker } from "./worker.ts"

/** What is wrong with an answer to a case, whatever the case was; empty when nothing is. */
export function complaintsAbout({ sent }: Case, answer: Answer): string[] {
  const { status, headers } = answer
  const complaints: string[] = []
  const expect = (isSo: boolean, what: string) => void (isSo || complaints.push(what))
  expect(status < 500, `${status}`)
  expect(/^[A-Za-z0-9._:-]{1,128}$/.test(headers.get("x-request-id") ?? ""), "no X-Request-Id")
  expect(headers.get("cache-control") === "no-store", "no Cache-Control: no-store")
  if (status < 400) return complaints
  const { detail, errors, param, complaints: told } = problemOf(sent, answer)
  complaints.push(...told)
  expect(typeof detail === "string" && detail.length < 2000, "no detail, or a long one")
  for (const { path, message } of errors) {
    expect(typeof message === "string" && message.length > 0, `${path} without a message`)
    expect(pointsInto(sent, String(detail), path), `${path} points nowhere`)
  }
  const isOfBody = param !== null && String(detail).startsWith("The body")
  if (isOfBody) expect(leadsInto(parse(sent.body) ?? {}, param), `${param} leads nowhere`)
  return complaints
}

/** A pointer names a member that is there, or one that is missing where there could be one. */
function pointsInto({ body, path: target }: Case["sent"], detail: string, pointer: string): boolean {
  if (detail.startsWith("The path")) return true
  if (detail.startsWith("The query")) return /^\/[^/]*$/.test(pointer) && target !== ""
  const parts = pointer.split("/").slice(1)
  // A body that is missing is an empty one where it may be.
  let value: unknown = parse(body) ?? {}
  for (const [i, part] of parts.entries()) {
    if (typeof value !== "object" || value === null) return false
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~")
    if (!Object.hasOwn(value, name)) return i === parts.length - 1
    value = (value as Record<string, unknown>)[name]
  }
  return true
}

/** The same for `messages[0].content`. Names may hold such signs too. */
function leadsInto(value: unknown, path: string): boolean {
  if (path === "") return true
  if (typeof value !== "object" || value === null) return false
  const steps = Object.keys(value).flatMap((name) => [name, `[${name}]`].map((step) => [name, step] as const))
  const taken = steps.filter(
    ([, step]) => path === step || (/^[.[]/.test(path.slice(step.length)) && path.startsWith(step)),
  )
  const goesOn = ([name, step]: readonly [string, string]) =>
    leadsInto((value as Members)[name], path.slice(step.length).replace(/^\./, ""))
  return taken.some(goesOn) || (taken.length === 0 && /^\w+$/.test(path))
}

/** As the service reads it; undefined: it cannot. */
export function parse(body: string | Uint8Array | undefined): unknown {
  if (body === undefined) return undefined
  try {
    const bytes = typeof body === "string" ? Buffer.from(body) : body
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

type Members = Record<string, unknown>

/** What of an accepted request is not in the store as it was sent; empty: it is wholly there. */
export async function missingOf(
  { store, queueName }: ServedWorker,
  requestId: string,
  sent: Members,
): Promise<string[]> {
  const keys = createKeys(queueName)
  const record = await store.redis.hGet(keys.live, requestId)
  const [metadata, body] = await store.redis.mGet([keys.metadata(requestId), keys.body(requestId)])
  if (!record || !body) return [`${requestId} has no ${record ? "body" : "record"}`]
  const head = readHead(requestId, decodeRecord(record), metadata)
  const stored: Members = { ...head, ...JSON.parse(body.slice(1)) }
  return Object.entries(sent).flatMap(([name, value]) => {
    const isTime = name === "delayMs" || (name === "scheduledAt" && value !== stored.scheduledAt)
    if (isTime || isSame(stored[name], value)) return []
    return [`${name} of ${requestId} is ${JSON.stringify(stored[name])}, sent was ${JSON.stringify(value)}`]
  })
}

function isSame(stored: unknown, sent: unknown): boolean {
  return isDeepStrictEqual(plain(stored ?? null), plain(sent))
}

/** JSON has one zero. A member `__proto__` is left out on purpose: nobody means it, and whoever copies it may be harmed. */
function plain(value: unknown): unknown {
  const withoutPrototypes = (name: string, member: unknown) => (name === "__proto__" ? undefined : member)
  return JSON.parse(JSON.stringify(value), withoutPrototypes)
}
