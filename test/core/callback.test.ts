import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type RequestRules, readBulk, readRequest } from "../../src/core/contracts/new-request.ts"
import { CALLBACK_EVENTS } from "../../src/core/request.ts"

const openai = { wireFormat: "openai-chat", baseUrl: "https://x.test", apiKey: null } as const
const rules: RequestRules = {
  config: {
    providers: { openai: { ...openai, name: "openai", simulated: false } },
    ...{ routes: {}, requestTimeoutMs: 30_000, maxRetries: 3, resultTtlSeconds: 86_400 },
    webhookAllowPrivate: false,
  },
  ...{ organizationId: "org-1", now: 1_790_000_000_000, newRequestId: () => "req_1" },
}
const lax = { ...rules, config: { ...rules.config, webhookAllowPrivate: true } }
const body = (callback: unknown) => ({
  ...{ provider: "openai", model: "gpt-5", messages: [{ role: "user", content: "Hi." }], callback },
})
const read = (callback: unknown, own = rules) => readRequest(body(callback), own)
const taken = (callback: unknown, own = rules) => read(callback, own).requests?.[0]?.head.callback
const problems = (callback: unknown, own = rules) =>
  read(callback, own).problems.map(({ path, message }) => `${path} ${message}`)

const url = "https://example.com/hook"

describe("a callback", () => {
  it("is told of every end, and without the response, unless it says otherwise", () => {
    expect(taken({ url })).toEqual({ url, events: [...CALLBACK_EVENTS], includeResponse: false })
    expect(
      taken({
        url,
        events: ["request.failed", "request.completed", "request.failed"],
        includeResponse: true,
      }),
    ).toEqual({ url, events: ["request.completed", "request.failed"], includeResponse: true })
  })

  it("may be none", () => {
    expect(taken(null)).toBeNull()
    const { callback: _, ...without } = body(null)
    expect(readRequest(without, rules).requests?.[0]?.head.callback).toBeNull()
  })

  it.each([
    ["https://EXAMPLE.com", "https://example.com/"],
    ["https://example.com/a?b=c#part", "https://example.com/a?b=c"],
    ["https://example.com:8443/a|b?c|d", "https://example.com:8443/a%7Cb?c%7Cd"],
    ["https://bücher.example.org/ä", "https://xn--bcher-kva.example.org/%C3%A4"],
  ])("%s is kept as %s", (given, kept) => {
    expect(taken({ url: given })?.url).toBe(kept)
  })

  it("never breaks the record that it is part of", () => {
    fc.assert(
      fc.property(
        fc.webUrl({ validSchemes: ["https"], withQueryParameters: true, withFragments: true }),
        (any) => {
          const kept = taken({ url: any })?.url
          if (kept !== undefined) expect(kept).not.toMatch(/[|\s#]/)
        },
      ),
    )
  })
})

describe("a callback is refused with its place and the way out", () => {
  it.each([
    [{}, "/callback/url is required"],
    [{ url: 1 }, "/callback/url must be a string"],
    [{ url: "" }, "/callback/url must not be empty"],
    [{ url: "example.com/hook" }, "/callback/url must be an absolute https URL"],
    [{ url: "http://example.com" }, "/callback/url must be an https URL"],
    [{ url: "ftp://example.com" }, "/callback/url must be an https URL"],
    [{ url: `https://example.com/${"x".repeat(2048)}` }, "/callback/url must be at most 2048 characters"],
    [{ url, events: [] }, "/callback/events must not be empty"],
    [{ url, events: Array(100_000).fill("x") }, "/callback/events must be at most 3 entries"],
    [{ url, includeResponse: 1 }, "/callback/includeResponse must be true or false"],
    [{ url, secret: "x" }, "/callback/secret is not known here"],
    ["https://example.com", "/callback must be an object"],
  ])("%#: %s", (callback, problem) => {
    expect(problems(callback)).toEqual([problem])
  })

  it("when its URL grows too long in writing, or holds credentials", () => {
    expect(problems({ url: `https://example.com/${"ä".repeat(1000)}` })).toEqual([
      "/callback/url must have at most 2048 characters",
    ])
    for (const credentials of ["https://user:pass@example.com", "https://token@example.com"]) {
      expect(problems({ url: credentials })[0]).toMatch(/^\/callback\/url must not hold a user name/)
    }
  })

  it("with all its problems at once, and in a bulk at its place", () => {
    expect(problems({ url: "http://10.0.0.1", events: ["request.done"] })).toHaveLength(2)
    const { problems: found } = readBulk(
      { requests: [body({ url }), body({ url: "https://10.0.0.1" })] },
      rules,
    )
    expect(found.map(({ path }) => path)).toEqual(["/requests/1/callback/url"])
  })

  it("when it leads inside, unless that is allowed", () => {
    for (const host of [
      "127.0.0.1",
      "2130706433",
      "0x7f.1",
      "[::1]",
      "[::ffff:10.0.0.1]",
      "localhost",
      "db.internal",
    ]) {
      expect(problems({ url: `https://${host}/hook` })[0]).toMatch(
        /^\/callback\/url must lead to a public host/,
      )
      expect(taken({ url: `http://${host}/hook` }, lax)?.url).toMatch(/^http:/)
    }
    expect(problems({ url: "https://user@localhost" }, lax)[0]).toMatch(/must not hold a user name/)
  })
})
