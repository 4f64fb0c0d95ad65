import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { SCOPES, type Scope } from "../../src/core/contracts/access.ts"
import { expectConserved } from "../helpers/conserved.ts"
import { eventually } from "../helpers/eventually.ts"
import { isFull } from "./effort.ts"
import { FORM_TYPE, toForm } from "./input/form.ts"
import { compareRefusals } from "./input/key-timing.ts"
import { CHAT, fill, nameOf, OPERATIONS, type Operation } from "./input/operations.ts"
import { problemOf } from "./input/problem-of.ts"
import { recordInput } from "./input/record-input.ts"
import {
  ADMIN_KEY,
  type Answer,
  type Sent,
  type ServedWorker,
  serveWorker,
  unchangedBy,
} from "./input/worker.ts"

const SECRET = "the-words-of-org-1"
const EXPIRES_IN_MS = 1500

let worker: ServedWorker
const keys: Record<string, string> = {}
const keyIds: Record<string, string> = {}
let requestId = ""

beforeAll(async () => {
  worker = await serveWorker()
  await issue("one", { organizationId: "org-1", scopes: ["enqueue", "read", "cancel"] })
  await issue("two", { organizationId: "org-2", scopes: ["enqueue", "read", "cancel"] })
  for (const scope of SCOPES) await issue(scope, { organizationId: "*", scopes: [scope] })
  const messages = [{ role: "user", content: SECRET }]
  const body = JSON.stringify({ ...CHAT, messages, metadata: { about: SECRET } })
  const { json } = await worker.send({ method: "POST", path: "/v1/requests", key: keys.one ?? "", body })
  requestId = json.requestId
})
afterAll(async () => {
  await expectConserved(worker.store.redis, worker.queueName)
  await worker.close()
})

async function issue(name: string, fields: Record<string, unknown>): Promise<void> {
  const body = JSON.stringify({ name, ...fields })
  const { status, json } = await worker.send({ method: "POST", path: "/v1/keys", body })
  expect({ name, status }).toEqual({ name, status: 201 })
  keys[name] = json.key
  keyIds[name] = json.keyId
}

/** The operation as it would be accepted from someone who may. */
function ask(operation: Operation, key: string, changes: Record<string, unknown> = {}): Promise<Answer> {
  const { method, path, headers = {}, body } = operation
  const ids = {
    ...{ requestId, responseId: requestId.replace("req_", "resp_"), keyId: "key_0000000000000000" },
    ...{ provider: "openai", organizationId: "org-1" },
  }
  const sent: Sent = { method, path: fill(path, ids), key, headers }
  if (body === undefined) return worker.send(sent)
  const one = { ...body.least, ...changes }
  if (body.file !== undefined) {
    return worker.send({
      ...sent,
      headers: { "content-type": FORM_TYPE },
      body: toForm(one, body.file),
    })
  }
  return worker.send({ ...sent, body: JSON.stringify(body.isBulk ? { requests: [one, one] } : one) })
}

const unchanged = <T>(run: () => Promise<T>) => unchangedBy(worker, run)

const withKey = OPERATIONS.filter(({ scope }) => scope !== null)
const ofOneRequest = OPERATIONS.filter(({ path }) => /\{(request|response)Id\}/.test(path))

describe("keys of another organization", () => {
  it("find its requests nowhere, and change none of them", async () => {
    for (const operation of ofOneRequest) {
      const { status, text } = await unchanged(() => ask(operation, keys.two ?? ""))
      expect([nameOf(operation), status]).toEqual([nameOf(operation), 404])
      for (const leak of [SECRET, "org-1", "gpt-5"]) expect(text).not.toContain(leak)
    }
    expect((await ask(onlyOperation("GET /v1/requests/{requestId}"), keys.one ?? "")).json.state).toBe(
      "pending",
    )
    recordInput("another's request, each operation on it", ofOneRequest.length, "404, nothing changed")
  })

  it("may not name it in a body or a query, alone or among others", async () => {
    const enqueues = OPERATIONS.filter(({ body }) => body?.least === CHAT)
    for (const operation of enqueues) {
      const answer = await unchanged(() => ask(operation, keys.two ?? "", { organizationId: "org-1" }))
      expect([nameOf(operation), answer.status, answer.json.code]).toEqual([
        nameOf(operation),
        403,
        "forbidden",
      ])
    }
    const mixed = JSON.stringify({ requests: [{ ...CHAT, organizationId: "org-2" }, CHAT] })
    const bulk = { method: "POST", path: "/v1/requests/bulk", key: keys.two ?? "", body: mixed }
    expect((await unchanged(() => worker.send(bulk))).status).toBe(403)
    for (const query of ["organizationId=org-1", "organizationId=org-1&state=pending"]) {
      const list = { method: "GET", path: `/v1/requests?${query}`, key: keys.two ?? "" }
      expect((await worker.send(list)).status).toBe(403)
    }
    recordInput("another organization in a body or a query", enqueues.length + 3, "403, nothing changed")
  })

  it("see nothing of it in lists, statistics and health", async () => {
    const paths = [
      "/v1/requests",
      "/v1/requests?state=pending",
      "/v1/stats",
      "/v1/health",
      "/api/ai/queue?action=stats",
    ]
    for (const path of paths) {
      const { status, text, json } = await worker.send({ method: "GET", path, key: keys.two ?? "" })
      expect(status).toBe(200)
      for (const leak of [SECRET, "org-1", requestId]) expect(text).not.toContain(leak)
      const counts = (json.stats ?? json).counts
      if (counts !== undefined) expect(counts.pending).toBe(0)
    }
    recordInput("lists, statistics and health by a tenant", paths.length, "its own alone")
  })

  it("cannot repeat its request under the same idempotency key", async () => {
    const post = (key = "", organizationId = "") =>
      worker.send({
        ...{ method: "POST", path: "/v1/requests", key, headers: { "idempotency-key": "shared" } },
        body: JSON.stringify({ ...CHAT, organizationId }),
      })
    const [own, other] = [await post(keys.one, "org-1"), await post(keys.two, "org-2")]
    expect([own.status, other.status]).toEqual([202, 202])
    expect(other.json.requestId).not.toBe(own.json.requestId)
    expect(other.headers.get("idempotency-replayed")).toBeNull()
    recordInput("another's idempotency key", 1, "two requests, each its own")
  })
})

describe("scopes", () => {
  it("open what they are for, and nothing else", async () => {
    let tried = 0
    for (const operation of withKey) {
      for (const scope of SCOPES) {
        tried += 1
        const run = () => ask(operation, keys[scope] ?? "")
        const isOpen = [scope, "any"].includes(operation.scope ?? "")
        const { status } = isOpen ? await run() : await unchanged(run)
        const found = { operation: nameOf(operation), scope, isForbidden: status === 403 }
        expect(found).toEqual({ ...found, isForbidden: !isOpen })
        expect(status).toBeLessThan(500)
      }
    }
    recordInput(
      "each operation with a key of each single scope",
      tried,
      "403 unless it is the operation's own",
    )
  })

  it("admin is for keys of all organizations alone, and a tenant gets 403 from what needs it", async () => {
    for (const operation of withKey.filter(({ scope, tenantScope }) => scope === "admin" && !tenantScope)) {
      expect([nameOf(operation), (await unchanged(() => ask(operation, keys.one ?? ""))).status]).toEqual([
        ...[nameOf(operation), 403],
      ])
    }
    const body = JSON.stringify({ name: "x", organizationId: "org-1", scopes: ["admin"] satisfies Scope[] })
    expect((await unchanged(() => worker.send({ method: "POST", path: "/v1/keys", body }))).status).toBe(400)
  })
})

describe("keys that are none", () => {
  it("get 401 from every operation: expired, revoked, cut, joined, or close to a good one", async () => {
    await issue("expiring", { ...FULL, expiresAt: Date.now() + EXPIRES_IN_MS })
    await issue("revoked", FULL)
    const revoke = { method: "DELETE", path: `/v1/keys/${keyIds.revoked}` }
    expect((await worker.send(revoke)).status).toBe(204)
    const good = keys.one ?? ""
    const stats = onlyOperation("GET /v1/stats")
    await eventually(async () => (await ask(stats, keys.expiring ?? "")).status === 401)
    const none = [
      ...[
        keys.expiring ?? "",
        keys.revoked ?? "",
        good.slice(0, -1),
        `${good}x`,
        good.toUpperCase(),
        `${good} ${good}`,
      ],
      ...[`${ADMIN_KEY}x`, ADMIN_KEY.slice(1), `${ADMIN_KEY},${ADMIN_KEY}`, "aiq_", "", "*", "undefined"],
      ...[keyIds.one ?? "", `aiq_${"A".repeat(43)}`, "x".repeat(5000), "../admin", "%00", "é"],
    ]
    for (const operation of withKey) {
      for (const key of none) {
        const answer = await ask(operation, key)
        expect([nameOf(operation), key, answer.status]).toEqual([nameOf(operation), key, 401])
        expect(problemOf({ method: operation.method, path: operation.path }, answer).complaints).toEqual([])
        expect(answer.headers.get("www-authenticate")).toBe("Bearer")
      }
    }
    recordInput("expired, revoked, cut, joined or guessed keys", none.length * withKey.length, "401")
  })

  it.runIf(isFull)(
    "take as long to be refused, however much of them is right",
    async () => {
      const { tried, seen } = await compareRefusals(worker, keys.one ?? "")
      recordInput("time to refuse a key, by how much of it is right", tried, seen)
    },
    120_000,
  )
})

const FULL = { organizationId: "*", scopes: [...SCOPES] }

function onlyOperation(name: string): Operation {
  const found = OPERATIONS.find((operation) => nameOf(operation) === name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}
