/** Of one metric: its labels, and what it is at now. */
export type Sample = [labels: Record<string, string>, value: number]

/** Metrics of one name. */
export interface Family {
  /** Without the suffix of its samples. Ends in its unit. */
  name: string
  type: "counter" | "gauge" | "histogram" | "info"
  unit?: "seconds"
  /** One line without quotes and backslashes. */
  help: string
  /** Those of one histogram stand together, by `le`. */
  samples: Sample[]
}

const SUFFIXES = { counter: "_total", gauge: "", histogram: "_bucket", info: "_info" }

/** https://prometheus.io/docs/specs/om/open_metrics_spec/ */
const OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
const PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"

/** The text, and its media type: OpenMetrics, unless `accept` prefers the older format of Prometheus. */
export function writeMetrics(families: Family[], accept: string): { type: string; text: string } {
  const isOld = weightOf(accept, "text/plain") > weightOf(accept, "application/openmetrics-text")
  const lines = families.flatMap((family) => [
    ...(isOld ? oldHeadOf(family) : headOf(family)),
    ...family.samples.map((sample) => lineOf(family, sample)),
  ])
  if (!isOld) lines.push("# EOF")
  return { type: isOld ? PROMETHEUS_TEXT : OPEN_METRICS, text: `${lines.join("\n")}\n` }
}

/** How much the header wants this media type, 0 to 1; 0 also when it does not name it. */
function weightOf(accept: string, type: string): number {
  const named = accept.split(",").filter((range) => range.split(";")[0]?.trim().toLowerCase() === type)
  return Math.max(0, ...named.map((range) => Number(/;\s*q=([\d.]+)/i.exec(range)?.[1] ?? 1)))
}

function headOf({ name, type, unit, help }: Family): string[] {
  return [`# TYPE ${name} ${type}`, ...(unit ? [`# UNIT ${name} ${unit}`] : []), `# HELP ${name} ${help}`]
}

/** A family there is called as its samples are, and knows neither units nor `info`. */
function oldHeadOf({ name, type, help }: Family): string[] {
  const full = type === "histogram" ? name : name + SUFFIXES[type]
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type === "info" ? "gauge" : type}`]
}

function lineOf({ name, type }: Family, [labels, value]: Sample): string {
  const written = Object.entries(labels).map(([label, text]) => `${label}="${escapeValue(text)}"`)
  return `${name}${SUFFIXES[type]}${written.length > 0 ? `{${written.join(",")}}` : ""} ${value}`
}

function escapeValue(text: string): string {
  return text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")
}
