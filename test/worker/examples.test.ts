import { describe, expect, it } from "vitest"
import document from "../../public/openapi.json" with { type: "json" }
import { type Client, createClient, enqueued, finishAll } from "./client.ts"

interface Operation {
  operationId: string
  parameters?: { name?: string; in?: string; required?: boolean; example?: string }[]
  requestBody?: {
    content: Record<string, { examples: Record<string, { value: Record<string, unknown> }> }>
  }
  responses: Record<string, unknown>
}

/** One call that the document shows. */
interface Shown {
  title: string
  method: string
  path: string
  operation: Operation
  type: string
  body: Record<string, unknown> | undefined
}

const shown = Object.entries(document.paths).flatMap(([path, operations]) =>
  Object.entries(operations as unknown as Record<string, Operation>).flatMap(([name, operation]): Shown[] => {
    const method = name.toUpperCase()
    const [[type, content] = ["", undefined]] = Object.entries(operation.requestBody?.content ?? {})
    const bodies: [string, Record<string, unknown> | undefined][] = Object.entries(
      content?.examples ?? {},
    ).map(([example, { value }]) => [`: ${example}`, value])
    if (operation.requestBody === undefined) bodies.push(["", undefined])
    return bodies.map(([example, body]) => ({
      ...{ title: `${operation.operationId}${example}`, method, path, operation, type, body },
    }))
  }),
)

/** What the names in a path stand for: things that are really there. */
const THINGS: Record<string, (client: Client, operationId: string) => Promise<string>> = {
  requestId: async (client, operationId) => {
    const requestId = await enqueued(client)
    if (operationId === "replayRequest") await finishAll(client.queue, "failed")
    if (operationId === "followRequest") await finishAll(client.queue, "completed")
    return requestId
  },
  deliveryId: async (client) => {
    const requestId = await enqueued(client, { callback: { url: "https://example.com/hook" } })
    await finishAll(client.queue, "completed")
    // The end is told by a chore.
    const known = async (): Promise<string> => {
      await client.tick()
      const { body } = await client.call("GET", `/v1/deliveries?requestId=${requestId}`)
      return body.data[0]?.deliveryId ?? ""
    }
    await expect.poll(known).not.toBe("")
    return known()
  },
  keyId: async (client) =>
    made(client, "/v1/keys", { name: "k", organizationId: "o", scopes: ["read"] }, "keyId"),
  secretId: async (client) => made(client, "/v1/webhook-secrets", { organizationId: "o" }, "secretId"),
  responseId: async (client) =>
    made(client, "/v1/responses", { model: "gpt-5", input: "Say hello.", background: true }, "id"),
  fileId: async (client) =>
    (await client.call("POST", "/v1/files", await formOf(exampleOf("uploadFile")))).body.id,
  batchId: async (client, operationId) => {
    if (!operationId.includes("Message")) {
      const body = { ...exampleOf("createBatch"), input_file_id: await THINGS.fileId?.(client, operationId) }
      return made(client, "/v1/batches", body, "id")
    }
    const id = await made(client, "/v1/messages/batches", exampleOf("createMessageBatch"), "id")
    const status = async () => {
      await client.tick()
      return (await client.call("GET", `/v1/messages/batches/${id}`)).body.processing_status
    }
    if (/delete|Results/.test(operationId)) await expect.poll(status, { timeout: 10_000 }).toBe("ended")
    return id
  },
  uploadId: async (client) => made(client, "/v1/uploads", exampleOf("createUpload"), "id"),
  name: async () => "openai",
  organizationId: async () => "org-123",
  model: async () => "smart",
}

describe("every call that the document shows is answered as it says", () => {
  it.each(shown)("$title", async ({ method, path, operation, type, body }) => {
    const client = createClient({
      MODELS: '{"smart": "openai/gpt-5"}',
      ALERTS: '{"url": "https://example.com/alerts"}',
    })
    const { operationId, parameters = [], responses } = operation
    const values: Record<string, string> = {}
    for (const { name = "", in: where, required, example } of parameters) {
      if (where === "path" || (where === "query" && required)) {
        values[name] = example ?? (await THINGS[name]?.(client, operationId)) ?? ""
      } else if (example !== undefined && where === "query") values[name] = example
    }
    const asked = client.call(method, fill(path, parameters, values), {
      // It refuses the key of all these.
      ...(operationId === "getMetrics" && { key: await made(client, "/v1/keys", READER, "key") }),
      ...(body === undefined ? {} : await sendable(client, type, body, values)),
    })
    const { status, body: answered } = await drainedUntil(client, asked)
    expect({ status, answered }).toMatchObject({ status: Number(Object.keys(responses)[0]) })
  })
})

const READER = { name: "metrics", organizationId: "*", scopes: ["read"] }

async function made(client: Client, path: string, body: unknown, id: string): Promise<string> {
  return (await client.call("POST", path, { body })).body[id]
}

/** The body that the document shows for it. */
function exampleOf(operationId: string): Record<string, unknown> {
  return shown.find(({ operation }) => operation.operationId === operationId)?.body ?? {}
}

/** Those that wait for an answer need a drain. */
async function drainedUntil<Answer>(client: Client, asked: Promise<Answer>): Promise<Answer> {
  let isAnswered = false
  const answered = asked.finally(() => {
    isAnswered = true
  })
  await Promise.all([
    answered,
    expect
      .poll(
        async () => {
          if (!isAnswered) await client.tick()
          return isAnswered
        },
        { timeout: 10_000 },
      )
      .toBe(true),
  ])
  return answered
}

function fill(
  path: string,
  parameters: Operation["parameters"] = [],
  values: Record<string, string>,
): string {
  const query = parameters.filter((each) => each.in === "query" && each.name && each.name in values)
  const search = new URLSearchParams(query.map(({ name = "" }) => [name, values[name] ?? ""])).toString()
  return `${path.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "")}${search && `?${search}`}`
}

async function sendable(
  client: Client,
  type: string,
  body: Record<string, unknown>,
  { uploadId = "" }: Record<string, string>,
): Promise<{ headers?: Record<string, string>; body: unknown }> {
  if (type === "multipart/form-data") return formOf(body)
  const text = JSON.stringify(body)
  if (text.includes("{fileId}")) {
    return { body: text.replace("{fileId}", (await THINGS.fileId?.(client, "")) ?? "") }
  }
  if (!text.includes("{partId}")) return { body }
  const part = await formOf(exampleOf("addUploadPart"))
  const { id } = (await client.call("POST", `/v1/uploads/${uploadId}/parts`, part)).body
  return { body: text.replace("{partId}", id) }
}

/** A form as it goes over the wire. */
async function formOf(fields: Record<string, unknown>) {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) {
    const isFile = ["file", "data"].includes(name)
    if (isFile) form.append(name, new File([String(value)], "batch.jsonl"))
    else form.append(name, String(value))
  }
  const encoded = new Response(form)
  const headers = { "content-type": encoded.headers.get("content-type") ?? "" }
  return { headers, body: new Uint8Array(await encoded.arrayBuffer()) }
}
