import { describe, expect, it } from "vitest"
import { checkDocumented } from "../helpers/documented.ts"

const usual = { "x-request-id": "1", "cache-control": "no-store", "content-type": "application/json" }
const answer = (status: number, body: unknown, headers: Record<string, string> = {}) => ({
  status,
  headers: new Headers({ ...usual, ...headers }),
  text: body === undefined ? "" : JSON.stringify(body),
})
const health = { method: "GET", path: "/v1/health" }
const problem = {
  ...{ type: "about:blank", title: "Not Found", status: 404 },
  ...{ detail: "There is nothing at this path.", code: "not_found" },
}
const asProblem = { "content-type": "application/problem+json" }

describe("checkDocumented", () => {
  it("lets pass what is documented", () => {
    checkDocumented(health, answer(200, { status: "ok" }))
    checkDocumented({ method: "GET", path: "/v1/requests/req_1" }, answer(404, problem, asProblem))
    checkDocumented({ method: "GET", path: "/nowhere" }, answer(404, problem, asProblem))
    checkDocumented({ method: "PUT", path: "/v1/stats" }, answer(405, {}, { allow: "GET" }))
    checkDocumented(
      { method: "GET", path: "/v1/files/f/content" },
      {
        ...answer(200, undefined),
        headers: new Headers({
          ...{ ...usual, "content-type": "application/octet-stream" },
          "content-disposition": "attachment",
        }),
      },
    )
  })

  it("refuses what was taken though the document does not allow it", () => {
    const removed = { removed: { completed: 0, failed: 0, cancelled: 0 } }
    const cleanup = { method: "POST", path: "/v1/cleanup" }
    checkDocumented({ ...cleanup, body: { olderThanSeconds: 1 } }, answer(200, removed))
    const odd = () => checkDocumented({ ...cleanup, body: { olderThanSeconds: -1 } }, answer(200, removed))
    expect(odd).toThrow(/what was sent/)
  })

  it.each([
    ["a member too many", health, answer(200, { status: "ok", more: 1 })],
    ["a member too few", health, answer(200, {})],
    ["a value of another type", health, answer(200, { status: "fine" })],
    ["another status", health, answer(201, { status: "ok" })],
    ["another media type", health, answer(200, { status: "ok" }, asProblem)],
    ["a header that is not listed", health, answer(200, { status: "ok" }, { location: "/" })],
    [
      "a missing header",
      { method: "POST", path: "/v1/requests" },
      answer(503, { ...problem, status: 503, code: "store_full" }, asProblem),
    ],
    [
      "a code of another status",
      { method: "GET", path: "/v1/requests/req_1" },
      answer(404, { ...problem, code: "conflict" }, asProblem),
    ],
    ["a body where there is none", { method: "DELETE", path: "/v1/keys/1" }, answer(204, {})],
    ["a path that is not listed", { method: "GET", path: "/v2" }, answer(200, {})],
    ["a method that is not listed", { method: "PUT", path: "/v1/stats" }, answer(200, {})],
  ])("refuses %s", (_, exchange, given) => {
    expect(() => checkDocumented(exchange, given)).toThrow(/is not as documented/)
  })
})
