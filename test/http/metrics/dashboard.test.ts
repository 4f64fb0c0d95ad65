import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { SyntaxNode } from "@lezer/common"
import { parser } from "@prometheus-io/lezer-promql"
import { expect, test } from "vitest"
import { describeScenes } from "../../drain/scene.ts"
import { makeBusy, openMetrics, READ_ALL } from "./busy-scene.ts"
import { parseOpenMetrics } from "./parse-open-metrics.ts"

interface Panel {
  title: string
  targets?: { expr: string; legendFormat: string }[]
  gridPos: { x: number; y: number; w: number; h: number }
}

const file = join(import.meta.dirname, "../../../examples/grafana/dashboard.json")
const dashboard = JSON.parse(readFileSync(file, "utf8")) as {
  panels: Panel[]
  templating: { list: { name: string; type: string; definition?: string }[] }
}
const project = join(import.meta.dirname, "../../..")
const documents = globSync(["README.md", "docs/**/*.md"], { cwd: project }).map((path) => ({
  path,
  text: readFileSync(join(project, path), "utf8"),
}))
const alerts = documents
  .filter(({ path }) => path === "docs/metrics.md")
  .flatMap(({ text }) => [...text.matchAll(/^\| `(.*)` \| \d+m \|/gm)])
const queries = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({ title, expr, legend: legendFormat })),
  ),
  ...alerts.map(([, expr = ""]) => ({
    title: "an alert of docs/metrics.md",
    expr: expr.replaceAll("\\|", "|"),
    legend: "",
  })),
]

/** What a scrape adds by itself. */
const OF_THE_SCRAPE = ["job", "instance"]

/** As Grafana fills them in. */
function fillIn(expr: string): string {
  return expr.replaceAll("$__rate_interval", "5m").replaceAll("$job", "ai-request-queue")
}

function namesIn(expr: string) {
  const [metrics, labels]: [string[], string[]] = [[], []]
  const walk = (node: SyntaxNode) => {
    const text = expr.slice(node.from, node.to)
    if (node.type.isError) throw new Error(`${expr}: wrong at ${node.from}`)
    if (node.name === "Identifier" && node.parent?.name === "VectorSelector") metrics.push(text)
    if (node.name === "LabelName") labels.push(text)
    for (let child = node.firstChild; child !== null; child = child.nextSibling) walk(child)
  }
  walk(parser.parse(expr).topNode)
  return { metrics, labels }
}

test("a query with a mistake is found", () => {
  expect(() => namesIn("sum by (a (b)")).toThrow()
  expect(namesIn('sum by (a) (rate(b_total{c="d"}[5m]))')).toEqual({
    metrics: ["b_total"],
    labels: ["a", "c"],
  })
})

test("there are queries, panels do not overlap, and every variable is known", () => {
  expect(alerts.length).toBeGreaterThan(3)
  expect(queries.length).toBeGreaterThan(20)
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
  const known = dashboard.templating.list.map(({ name }) => name)
  const used = [...readFileSync(file, "utf8").matchAll(/\$\{?(\w+)\}?/g)].map(([, name = ""]) => name)
  expect(used.filter((name) => !known.includes(name) && !name.startsWith("__"))).toEqual([])
})

describeScenes("the dashboard, the alerts and the documents", (scene) => {
  test("name only what a queue tells in which everything has happened", async () => {
    const s = await scene({ REDIS_COMMAND_BUDGET: "100000" })
    await makeBusy(s)
    const { get, issueKey } = openMetrics(s)
    const families = parseOpenMetrics(await (await get(await issueKey(READ_ALL))).text())
    const labels = new Map<string, Set<string>>([["up", new Set()]])
    for (const { name, labels: own } of [...families.values()].flatMap(({ samples }) => samples)) {
      labels.set(name, new Set([...(labels.get(name) ?? []), ...Object.keys(own)]))
    }
    for (const { title, expr, legend } of queries) {
      const used = namesIn(fillIn(expr))
      expect(used.metrics.length, `${title}: ${expr}`).toBeGreaterThan(0)
      const there = new Set([
        ...OF_THE_SCRAPE,
        ...used.metrics.flatMap((name) => [...(labels.get(name) ?? [])]),
      ])
      const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, name = ""]) => name)
      const missing = [
        ...used.metrics.filter((name) => !labels.has(name)),
        ...[...used.labels, ...shown].filter((name) => !there.has(name)),
      ]
      expect(missing, `${title}: ${expr}`).toEqual([])
    }
    const known = [...labels.keys(), ...families.keys()]
    for (const { path, text } of documents) {
      const named = [...text.matchAll(/\baiq_[a-z_]+\b/g)].map(([name]) => name)
      expect([path, ...named.filter((name) => !known.includes(name))]).toEqual([path])
    }
    for (const { definition } of dashboard.templating.list) {
      if (definition === undefined) continue
      const [, metric = "", label = ""] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? []
      expect([labels.has(metric), OF_THE_SCRAPE.includes(label)], definition).toEqual([true, true])
    }
  })
})
