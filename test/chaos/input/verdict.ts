import { isDeepStrictEqual } from "node:util"
import { PROBLEM_STATUS } from "../../../src/core/errors.ts"
import { readHead } from "../../../src/queue/frames.ts"
import { createKeys } from "../../../src/queue/keys.ts"
import { decodeRecord } from "../../../src/queue/record.ts"
import type { Case } from "./cases.ts"
import type { Answer, ServedWorker } from "./worker.ts"

const WITH_ERROR_BODY = /^\/api\/ai\/queue\/?(\?|$)/

/** What is wrong with an answer to a case, whatever the case was; empty when nothing is. */
export function complaintsAbout({ sent }: Case, answer: Answer): string[] {
  const { status, headers, json } = answer
  const complaints: string[] = []
  const expect = (isSo: boolean, what: string) => void (isSo || complaints.push(what))
  expect(status < 500, `${status}`)
  expect(/^[A-Za-z0-9._:-]{1,128}$/.test(headers.get("x-request-id") ?? ""), "no X-Request-Id")
  expect(headers.get("cache-control") === "no-store", "no Cache-Control: no-store")
  if (status < 400) return complaints
  const isAction = WITH_ERROR_BODY.test(sent.path)
  const type = headers.get("content-type")
  expect(type === (isAction ? "application/json" : "application/problem+json"), `the type ${type}`)
  expect(
    (PROBLEM_STATUS as Record<string, number>)[json?.code] === status,
    `the code ${json?.code} with ${status}`,
  )
  const detail = isAction ? json?.error : json?.detail
  expect(typeof detail === "string" && detail.length < 1000, "no detail, or a long one")
  if (isAction) expect(json?.success === false, "success is not false")
  else expect(json?.type === "about:blank" && json?.status === status && json?.title !== "", "no problem")
  for (const { path, message } of json?.errors ?? []) {
    expect(typeof message === "string" && message.length > 0, `${path} without a message`)
    expect(pointsInto(sent, json.detail, path), `${path} points nowhere`)
  }
  return complaints
}

/** A pointer names a member that is there, or one that is missing where there could be one. */
function pointsInto({ body, path: target }: Case["sent"], detail: string, pointer: string): boolean {
  if (detail.startsWith("The path")) return true
  if (detail.startsWith("The query")) return /^\/[^/]*$/.test(pointer) && target !== ""
  const parts = pointer.split("/").slice(1)
  let value: unknown = parse(body)
  for (const [i, part] of parts.entries()) {
    if (typeof value !== "object" || value === null) return false
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~")
    if (!Object.hasOwn(value, name)) return i === parts.length - 1
    value = (value as Record<string, unknown>)[name]
  }
  return true
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
