import type * as z from "zod/mini"
import { check } from "./contracts/problem.ts"

/** What is wrong with one variable, in words that say what to set. */
export interface ConfigProblem {
  variable: string
  message: string
}

/** Reads variables, and collects what is wrong with them. */
export interface Variables {
  problems: ConfigProblem[]
  note(variable: string, message: string): void
  /** Trimmed; empty when it is not set. */
  text(variable: string): string
  number(variable: string, range: readonly [fallback: number, least: number, greatest: number]): number
  /** Without a slash at its end; empty when it is not set. */
  url(variable: string): string
  /** null when it is not set, or bad. Problems name the place by a JSON Pointer, never its value. */
  json<Schema extends z.core.$ZodType>(
    variable: string,
    schema: Schema,
    example: string,
  ): z.output<Schema> | null
}

export function readVariables(env: Record<string, unknown>): Variables {
  const problems: ConfigProblem[] = []
  const note = (variable: string, message: string) => {
    problems.push({ variable, message })
  }
  const text = (variable: string) => {
    const value = env[variable]
    return typeof value === "string" ? value.trim() : ""
  }
  return {
    ...{ problems, note, text },
    number(variable, [fallback, least, greatest]) {
      if (text(variable) === "") return fallback
      const value = Number(text(variable))
      if (!Number.isInteger(value) || value < least || value > greatest) {
        note(variable, `must be a whole number from ${least} to ${greatest}`)
      }
      return value
    },
    url(variable) {
      const value = text(variable).replace(/\/+$/, "")
      if (value !== "" && !/^https?:\/\//.test(value)) note(variable, "must be an http(s) URL")
      return value
    },
    json(variable, schema, example) {
      if (text(variable) === "") return null
      let value: unknown
      try {
        value = JSON.parse(text(variable))
      } catch {
        note(variable, `must be JSON such as ${example}`)
        return null
      }
      const read = check(schema, value)
      for (const { path, message } of read.problems) {
        note(variable, path === "" ? `${message}, such as ${example}` : `${path} ${message}`)
      }
      return read.value
    },
  }
}
