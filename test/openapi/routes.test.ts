import { expect, it } from "vitest"
import document from "../../public/openapi.json" with { type: "json" }
import { createApp } from "../../src/http/app.ts"

const app = createApp(() => ({ services: null, problems: [] }))

/** What the app answers, but 404, 405 and OPTIONS. */
const mounted = app.routes
  .filter(({ method, path }) => method !== "ALL" && path !== "/*")
  .map(({ method, path }) => `${method} ${path.replace(/:(\w+)(\{[^}]*\})?/g, "{$1}")}`)
const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
  Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
)

it("every route is in the document, and nothing else", () => {
  expect(mounted.length).toBeGreaterThan(30)
  expect(documented.toSorted()).toEqual(mounted.toSorted())
})

it("no two operations have the same id", () => {
  const ids = Object.values(document.paths).flatMap((operations) =>
    Object.values(operations as Record<string, { operationId: string }>).map((each) => each.operationId),
  )
  expect(new Set(ids).size).toBe(ids.length)
})
