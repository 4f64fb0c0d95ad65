import type { Variables } from "./config-variables.ts"

/** Where spans are sent. */
export interface TracingSettings {
  /** Empty: nowhere, nothing is traced. */
  url: string
  headers: Record<string, string>
  serviceName: string
  /** Of the traces that begin here, from 0 to 1; of a caller's, the caller decides. */
  ratio: number
}

const NOWHERE: TracingSettings = { url: "", headers: {}, serviceName: "", ratio: 0 }

/** In a process of others', whose variables may mean what only their own SDK knows: then nothing is traced. */
export function readOthersTracing(variables: Variables): { tracing: TracingSettings } {
  const read = readTracing(variables)
  return variables.problems.length === 0 ? read : { tracing: NOWHERE }
}

/** The variables of OpenTelemetry's specification, as far as they mean anything here. */
export function readTracing(variables: Variables): { tracing: TracingSettings } {
  const { text, url } = variables
  if (text("OTEL_SDK_DISABLED").toLowerCase() === "true") return { tracing: NOWHERE }
  const base = url("OTEL_EXPORTER_OTLP_ENDPOINT")
  return {
    tracing: {
      url: url("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") || (base && `${base}/v1/traces`),
      headers: readHeaders(variables),
      serviceName: text("OTEL_SERVICE_NAME") || "ai-request-queue",
      ratio: readRatio(variables),
    },
  }
}

function readHeaders({ text, note }: Variables): Record<string, string> {
  const headers = new Headers()
  for (const pair of text("OTEL_EXPORTER_OTLP_HEADERS")
    .split(",")
    .filter((each) => each.trim() !== "")) {
    const end = pair.indexOf("=")
    try {
      if (end < 1) throw new Error("no pair")
      // It refuses what would make each export throw.
      headers.set(pair.slice(0, end).trim(), decodeURIComponent(pair.slice(end + 1)))
    } catch {
      note(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "must be name=value, several separated by commas, values URL-encoded",
      )
      break
    }
  }
  return Object.fromEntries(headers)
}

/** A sampler that is none of ours keeps its meaning as far as it goes: all or nothing. */
function readRatio({ text, note }: Variables): number {
  const sampler = text("OTEL_TRACES_SAMPLER")
  if (/(^|_)always_off$/.test(sampler)) return 0
  const argument = "OTEL_TRACES_SAMPLER_ARG"
  if (text(argument) === "" || !["", "traceidratio", "parentbased_traceidratio"].includes(sampler)) return 1
  const ratio = Number(text(argument))
  if (!(ratio >= 0 && ratio <= 1)) note(argument, "must be a number from 0 to 1")
  return ratio
}
