// What OpenMetrics 1.0 demands of a text, held to the letter: https://prometheus.io/docs/specs/om/open_metrics_spec/
// Of what it allows, only what this queue writes is known here: no timestamps, exemplars, summaries or `_created`.

type Type = "counter" | "gauge" | "histogram" | "info"

interface ParsedSample {
  name: string
  labels: Record<string, string>
  value: number
}
export interface ParsedFamily {
  name: string
  type: Type
  unit: string | null
  help: string
  samples: ParsedSample[]
}

const SUFFIXES: Record<Type, string[]> = {
  ...{ counter: ["_total"], gauge: [""], info: ["_info"] },
  histogram: ["_bucket", "_count", "_sum"],
}
const HEAD = /^# (TYPE|UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)$/
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/
const NUMBER = /^[-+]?(\d+|\d+\.\d*([eE][-+]?\d+)?|\d*\.\d+([eE][-+]?\d+)?|\d+[eE][-+]?\d+)$/
const ORDER = ["TYPE", "UNIT", "HELP"]

/** The families by their names. Throws at the first line that is wrong. */
export function parseOpenMetrics(text: string): Map<string, ParsedFamily> {
  if (text.includes("\r") || text.startsWith("\ufeff"))
    throw new Error("a carriage return, or a byte order mark")
  const lines = text.split("\n")
  if (lines.pop() !== "" || lines.pop() !== "# EOF") throw new Error("it does not end with # EOF")
  const families = new Map<string, ParsedFamily>()
  let current: ParsedFamily | null = null
  let heads: string[] = []
  for (const line of lines) {
    try {
      const [, word = "", name = "", rest = ""] = HEAD.exec(line) ?? []
      if (word === "TYPE") {
        current = newFamily(families, name, rest)
        heads = [word]
      } else if (line.startsWith("#")) {
        if (current === null || current.name !== name || current.samples.length > 0)
          throw new Error("a stray head")
        if (ORDER.indexOf(word) <= ORDER.indexOf(heads.at(-1) ?? "")) throw new Error("heads out of order")
        heads.push(word)
        describe(current, word, rest)
      } else if (current === null) throw new Error("a sample of no family")
      else current.samples.push(readSample(current, line))
    } catch (error) {
      throw new Error(`${line}: ${error instanceof Error ? error.message : error}`)
    }
  }
  for (const family of families.values()) checkFamily(family)
  checkClashes(families)
  return families
}

function newFamily(families: Map<string, ParsedFamily>, name: string, type: string): ParsedFamily {
  if (!Object.hasOwn(SUFFIXES, type)) throw new Error("the type is unknown")
  if (families.has(name)) throw new Error("the family is there already: families must not be interleaved")
  const family: ParsedFamily = { name, type: type as Type, unit: null, help: "", samples: [] }
  families.set(name, family)
  return family
}

function describe(family: ParsedFamily, word: string, text: string): void {
  if (word === "HELP") {
    if (!/^(?:[^"\\]|\\["\\n])+$/.test(text)) throw new Error("it is empty, or not escaped")
    family.help = text
    return
  }
  if (family.type === "info") throw new Error("info has no unit")
  if (!family.name.endsWith(`_${text}`)) throw new Error("the unit is no suffix of the name")
  family.unit = text
}

function readSample(family: ParsedFamily, line: string): ParsedSample {
  const [, name = "", braces = "", number = ""] = SAMPLE.exec(line) ?? []
  if (!SUFFIXES[family.type].some((suffix) => name === family.name + suffix))
    throw new Error("it is of another family")
  if (!NUMBER.test(number)) throw new Error("its value is no number")
  return { name, labels: readLabels(braces.slice(1, -1)), value: Number(number) }
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  for (let rest = text; rest !== ""; ) {
    const [whole, label = "", value = "", end] = LABEL.exec(rest) ?? []
    if (whole === undefined || label in labels) throw new Error(`a label is wrong, or there twice: ${rest}`)
    labels[label] = value.replace(/\\(.)/g, (_, escaped) => (escaped === "n" ? "\n" : escaped))
    rest = rest.slice(whole.length)
    if (end === "," && rest === "") throw new Error("nothing after a comma")
  }
  return labels
}

function checkFamily({ name, type, help, unit, samples }: ParsedFamily): void {
  if (help === "") throw new Error(`${name} has no help`)
  if (unit === null && /_(seconds|bytes)$/.test(name)) throw new Error(`${name} keeps its unit to itself`)
  if (/_(total|bucket|count|sum|created|info)$/.test(name)) throw new Error(`${name} looks like a sample`)
  const seen = samples.map((sample) => `${sample.name} ${keyOf(sample.labels)}`)
  if (new Set(seen).size !== seen.length) throw new Error(`${name} has a metric twice`)
  for (const { value } of samples) {
    if (["counter", "histogram"].includes(type) && !(value >= 0)) throw new Error(`${name} counts below 0`)
    if (type === "info" && value !== 1) throw new Error(`${name} is not 1`)
  }
  if (type === "histogram") checkHistograms(name, samples)
}

function checkHistograms(name: string, samples: ParsedSample[]): void {
  const metrics = new Map<string, ParsedSample[]>()
  let last = ""
  for (const sample of samples) {
    const { le, ...labels } = sample.labels
    const key = keyOf(labels)
    if (key !== last && metrics.has(key)) throw new Error(`${name} has its metrics interleaved`)
    last = key
    metrics.set(key, [...(metrics.get(key) ?? []), sample])
    if ((le !== undefined) !== sample.name.endsWith("_bucket"))
      throw new Error(`${name} has a bucket without le`)
  }
  for (const metric of metrics.values()) checkHistogram(name, metric)
}

function checkHistogram(name: string, metric: ParsedSample[]): void {
  const valuesOf = (suffix: string) =>
    metric.filter((each) => each.name === name + suffix).map(({ value }) => value)
  const buckets = metric.filter((each) => each.name === `${name}_bucket`)
  let [bound, count] = [Number.NEGATIVE_INFINITY, 0]
  for (const { labels, value } of buckets) {
    const { le = "" } = labels
    if (le !== "+Inf" && !/^\d+\.\d+$/.test(le))
      throw new Error(`${name} has the bound ${le}, which is not canonical`)
    const next = le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le)
    if (next <= bound) throw new Error(`${name} has its buckets out of order`)
    if (value < count || !Number.isInteger(value))
      throw new Error(`${name} has buckets that are not cumulative`)
    ;[bound, count] = [next, value]
  }
  if (bound !== Number.POSITIVE_INFINITY) throw new Error(`${name} has no bucket for +Inf`)
  const [counts, sums] = [valuesOf("_count"), valuesOf("_sum")]
  if (counts.length !== sums.length)
    throw new Error(`${name} has a count without a sum, or a sum without a count`)
  if (counts.some((each) => each !== count)) throw new Error(`${name} has a count that is not its +Inf`)
}

/** A sample's name must tell its family. */
function checkClashes(families: Map<string, ParsedFamily>): void {
  const names = [...families.values()].flatMap(({ name, type }) =>
    [...SUFFIXES[type], ...(type === "counter" || type === "histogram" ? ["_created"] : [])].map(
      (suffix) => name + suffix,
    ),
  )
  const twice = names.filter((name, i) => names.indexOf(name) !== i)
  if (twice.length > 0) throw new Error(`of several families: ${twice.join(", ")}`)
}

function keyOf(labels: Record<string, string>): string {
  return JSON.stringify(Object.entries(labels).sort())
}
