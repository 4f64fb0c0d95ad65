import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type Family, type Sample, writeMetrics } from "../../../src/http/open-metrics.ts"
import { parseOpenMetrics } from "./parse-open-metrics.ts"

const ODD = 'a"b\\c\nd\\n é 🦊'
const families: Family[] = [
  { name: "a", type: "counter", help: "Things.", samples: [[{}, 3]] },
  {
    name: "b_seconds",
    type: "gauge",
    unit: "seconds",
    help: "An age.",
    samples: [[{ lane: ODD, x: "y" }, 0.25]],
  },
  { name: "c", type: "info", help: "A version.", samples: [[{ version: "1.0.0" }, 1]] },
  {
    ...{ name: "d_seconds", type: "histogram", unit: "seconds", help: "Times." },
    samples: [
      [{ le: "0.5" }, 1],
      [{ le: "+Inf" }, 2],
    ],
  },
  { name: "e", type: "gauge", help: "Nothing yet.", samples: [] },
]
const OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
const OLD = "text/plain; version=0.0.4; charset=utf-8"

describe("OpenMetrics", () => {
  it("is written as the specification shows it", () => {
    expect(writeMetrics(families.slice(0, 3), "").text).toBe(
      [
        "# TYPE a counter",
        "# HELP a Things.",
        "a_total 3",
        "# TYPE b_seconds gauge",
        "# UNIT b_seconds seconds",
        "# HELP b_seconds An age.",
        'b_seconds{lane="a\\"b\\\\c\\nd\\\\n é 🦊",x="y"} 0.25',
        "# TYPE c info",
        "# HELP c A version.",
        'c_info{version="1.0.0"} 1',
        "# EOF\n",
      ].join("\n"),
    )
  })

  it("is read again as it was, whatever labels hold", () => {
    const texts = fc.string({
      unit: fc.constantFrom('"', "\\", "\n", "n", ",", "=", "{", "}", " ", "é", "🦊"),
    })
    const numbers = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
    fc.assert(
      fc.property(texts, numbers, (label, value) => {
        const samples: Sample[] = [[{ label, same: label }, value]]
        const { text } = writeMetrics([{ name: "a", type: "gauge", help: "A.", samples }], "")
        const labels = { label, same: label }
        expect(parseOpenMetrics(text).get("a")?.samples).toEqual([{ name: "a", labels, value }])
      }),
    )
  })
})

describe("the media type", () => {
  it.each([
    ["", OPEN],
    ["*/*", OPEN],
    // Prometheus, as it asks by default.
    [
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
      OPEN,
    ],
    ["application/openmetrics-text; version=1.0.0, text/plain", OPEN],
    ["text/plain", OLD],
    ["Text/Plain;version=0.0.4;q=0.5,application/openmetrics-text;q=0.2", OLD],
    ["text/plain;q=0", OPEN],
  ])("for %j", (accept, type) => {
    expect(writeMetrics(families, accept).type).toBe(type)
  })

  it("of old has no units, no infos and no end, and its counters are called as their samples", () => {
    expect(writeMetrics(families.slice(0, 4), "text/plain").text).toBe(
      [
        "# HELP a_total Things.",
        "# TYPE a_total counter",
        "a_total 3",
        "# HELP b_seconds An age.",
        "# TYPE b_seconds gauge",
        'b_seconds{lane="a\\"b\\\\c\\nd\\\\n é 🦊",x="y"} 0.25',
        "# HELP c_info A version.",
        "# TYPE c_info gauge",
        'c_info{version="1.0.0"} 1',
        "# HELP d_seconds Times.",
        "# TYPE d_seconds histogram",
        'd_seconds_bucket{le="0.5"} 1',
        'd_seconds_bucket{le="+Inf"} 2\n',
      ].join("\n"),
    )
  })
})

describe("the parser of these tests", () => {
  const good = writeMetrics(families, "").text
  it("takes what is right", () => {
    expect([...parseOpenMetrics(good).keys()]).toEqual(families.map(({ name }) => name))
  })

  it.each([
    ["no end", good.replace("# EOF\n", "")],
    ["something after the end", `${good}\n`],
    ["a carriage return", good.replace("\n", "\r\n")],
    ["heads in another order", good.replace(/(# UNIT.*)\n(# HELP b.*)/, "$2\n$1")],
    ["a head twice", good.replace(/(# HELP a.*)/, "$1\n$1")],
    ["a comment", good.replace("# EOF", "# a comment\n# EOF")],
    ["a head after a sample", good.replace("a_total 3", "a_total 3\n# UNIT a a")],
    ["a family twice", good.replace("# EOF", "# TYPE a counter\n# HELP a A.\n# EOF")],
    ["a sample of another family", good.replace("# EOF", "a_total 3\n# EOF")],
    ["a counter without its suffix", good.replace("a_total 3", "a 3")],
    ["a counter below 0", good.replace("a_total 3", "a_total -3")],
    ["a metric twice", good.replace("a_total 3", "a_total 3\na_total 4")],
    ["a unit that is not in the name", good.replace("# UNIT b_seconds seconds", "# UNIT b_seconds bytes")],
    ["a unit that is not told", good.replace("# UNIT b_seconds seconds\n", "")],
    ["a label that is not escaped", good.replace('a\\"b', 'a"b')],
    ["a label twice", good.replace('x="y"', 'x="y",x="z"')],
    ["no number", good.replace("0.25", "0,25")],
    ["no value", good.replace("a_total 3", "a_total")],
    ["an info that is not 1", good.replace('"1.0.0"} 1', '"1.0.0"} 2')],
    ["buckets that fall", good.replace('le="0.5"} 1', 'le="0.5"} 3')],
    ["buckets out of order", good.replace(/(d_.*0\.5.*)\n(d_.*)/, "$2\n$1")],
    ["no bucket of all", good.replace(/d_seconds_bucket\{le="\+Inf.*\n/, "")],
    ["a bound that is not canonical", good.replace('"0.5"', '"5e-1"')],
    ["a count without a sum", good.replace("# TYPE e", "d_seconds_count 2\n# TYPE e")],
    [
      "a count that is not that of all",
      good.replace("# TYPE e", "d_seconds_count 3\nd_seconds_sum 1\n# TYPE e"),
    ],
    [
      "names that clash",
      good.replace("# TYPE e gauge\n# HELP e", "# TYPE a_created gauge\n# HELP a_created"),
    ],
  ])("refuses %s", (_, text) => {
    expect(text).not.toBe(good)
    expect(() => parseOpenMetrics(text)).toThrow()
  })
})
