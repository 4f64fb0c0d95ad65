import { describe, expect, it } from "vitest"
import { parseConfig } from "../../src/core/config.ts"

const NEEDED = {
  ADMIN_API_KEY: "a-key-for-tests-only",
  UPSTASH_REDIS_REST_URL: "https://store.example",
  UPSTASH_REDIS_REST_TOKEN: "token",
}
const read = (env: Record<string, string>) => parseConfig({ ...NEEDED, ...env })
const tracing = (env: Record<string, string> = {}) => read(env).config?.tracing

describe("where spans go", () => {
  it("nowhere by default", () => {
    expect(tracing()).toEqual({ url: "", headers: {}, serviceName: "ai-request-queue", ratio: 1 })
    expect(tracing({ OTEL_EXPORTER_OTLP_HEADERS: "x=y", OTEL_SERVICE_NAME: "app" })?.url).toBe("")
  })

  it("to the endpoint, with the path of traces, or to the one for traces as it is", () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector.example/otlp/" }
    expect(tracing(endpoint)?.url).toBe("https://collector.example/otlp/v1/traces")
    const own = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://traces.example/in" }
    expect(tracing({ ...endpoint, ...own })?.url).toBe("https://traces.example/in")
  })

  it("with headers, whose values are decoded", () => {
    const headers = { OTEL_EXPORTER_OTLP_HEADERS: "Authorization=Basic%20YTpi==, x-team = k=v,," }
    expect(tracing(headers)?.headers).toEqual({ authorization: "Basic YTpi==", "x-team": "k=v" })
  })

  it.each(["no pair", "nopair", "=value", "a b=c", "x=%zz", "x=a%0d%0ab"])(
    "and headers such as %j are a problem that names the variable, not the value",
    (value) => {
      const { config, problems } = read({ OTEL_EXPORTER_OTLP_HEADERS: `good=1,${value}` })
      expect(config).toBeNull()
      expect(problems.map(({ variable }) => variable)).toEqual(["OTEL_EXPORTER_OTLP_HEADERS"])
      expect(JSON.stringify(problems)).not.toContain("good")
    },
  )
})

it("are not sent where OpenTelemetry is turned off", () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector.example", OTEL_SDK_DISABLED: "TRUE" }
  expect(tracing(env)?.url).toBe("")
})

it.each([
  { OTEL_EXPORTER_OTLP_ENDPOINT: "localhost:4317" },
  { OTEL_EXPORTER_OTLP_HEADERS: "nopair" },
  { OTEL_TRACES_SAMPLER_ARG: "half" },
])(
  "are not sent from a process whose own %j nobody else understands, which is no reason to refuse to run",
  (own) => {
    const env = { ...NEEDED, OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector.example", ...own }
    expect(parseConfig(env, "library").config?.tracing.url).toBe("")
    expect(parseConfig(env).config).toBeNull()
  },
)

describe("which part is kept", () => {
  it.each([
    ["", "", 1],
    ["", "0.25", 0.25],
    ["parentbased_traceidratio", "0.25", 0.25],
    ["traceidratio", "0", 0],
    ["parentbased_always_on", "0.25", 1],
    ["always_off", "", 0],
    ["parentbased_always_off", "0.25", 0],
    ["jaeger_remote", "endpoint=http://localhost:14250", 1],
  ])("by sampler %j and %j", (sampler, argument, ratio) => {
    const env = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: argument }
    expect(tracing(env)?.ratio).toBe(ratio)
  })

  it.each(["1.1", "-0.1", "half", "NaN"])("must not be %s", (value) => {
    const { problems } = read({ OTEL_TRACES_SAMPLER_ARG: value })
    expect(problems.map(({ variable }) => variable)).toEqual(["OTEL_TRACES_SAMPLER_ARG"])
  })
})
