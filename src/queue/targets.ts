import type { RequestHead, Target } from "../core/request.ts"
import type { NewRequest } from "./contract.ts"
import type { LiveRecord } from "./record.ts"

// Where requests wait and where they may go, in the words of `lua/include/targets.lua`.

const ROUTE = "auto/"

/** The line of a route, or of requests that ask for one provider; those with fallbacks have a line of their own. */
export function lineOf({ provider, model, fallbacks }: RequestHead): string {
  if (provider === "auto") return ROUTE + model
  return fallbacks.length > 0 ? `${provider}+` : provider
}

/** The provider that was asked for by the requests of a line. */
export function providerOfLine(line: string): string {
  return line.replace(/[/+].*$/, "")
}

/** A target's name, `provider/model`, without spaces or separators in the model. */
export function targetName({ provider, model }: Target): string {
  // JSON has a way to write half a surrogate pair, which a URI has not.
  return `${provider}/${encodeURIComponent(JSON.stringify(model).slice(1, -1))}`
}

/** The model, from its part of a target's name. */
export function decodeModel(text: string): string {
  return JSON.parse(`"${decodeURIComponent(text)}"`) as string
}

/** The part of a record that says where its request may go. */
export function encodeTargets({ head, route }: NewRequest): Pick<LiveRecord, "model" | "targets"> {
  if (route !== undefined) {
    const targets = route.map((target) => `${targetName(target)}/${target.weight}`)
    return { model: "", targets: `w ${targets.join(" ")}` }
  }
  const [primary = "", ...rest] = [head, ...head.fallbacks].map(targetName)
  if (rest.length === 0) return { model: primary.slice(head.provider.length + 1), targets: "" }
  return { model: "", targets: `o ${[primary, ...rest].map((name) => `${name}/1`).join(" ")}` }
}

/** What a record says was asked for. */
export function askedOf(record: LiveRecord): Pick<RequestHead, "provider" | "model" | "fallbacks"> {
  if (record.line.startsWith(ROUTE)) {
    return { provider: "auto", model: record.line.slice(ROUTE.length), fallbacks: [] }
  }
  const [primary = { provider: record.line, model: "" }, ...fallbacks] = targetsOf(record)
  return { ...primary, fallbacks }
}

/** All targets of a request, in order. */
function targetsOf({ line, model, targets }: LiveRecord): Target[] {
  if (targets === "") return [{ provider: line, model: decodeModel(model) }]
  return targets
    .slice(2)
    .split(" ")
    .map((text) => {
      const [provider = "", model = ""] = text.split("/")
      return { provider, model: decodeModel(model) }
    })
}

/** The target of a number, as leases and lost attempts name it. */
export function targetOf(record: LiveRecord, number: number): Target {
  const { provider, model } = askedOf(record)
  return targetsOf(record)[number - 1] ?? { provider, model }
}

const TIMEOUTS_PER_TARGET = 2

/** How often the request has timed out on a target. */
export function timeoutsOn({ timeouts }: LiveRecord, number: number): number {
  return timeouts.split(".").filter((text) => text === String(number)).length
}

/**
 * Whether another configured target has neither had trouble with the request nor been used up by timeouts. Not when the
 * claim chose one that had trouble: then no other could be called, and a retry has to back off.
 */
export function hasAlternative(record: LiveRecord, providers: string[]): boolean {
  const avoided = record.avoid.split(".")
  if (avoided.includes(String(record.target))) return false
  return targetsOf(record).some(
    ({ provider }, i) =>
      i + 1 !== record.target &&
      providers.includes(provider) &&
      !avoided.includes(String(i + 1)) &&
      timeoutsOn(record, i + 1) < TIMEOUTS_PER_TARGET,
  )
}
