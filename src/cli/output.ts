import { styleText } from "node:util"
import Table from "cli-table3"

/** Where a command writes: results on `out`, everything said about them on `err`. */
export interface Output {
  isJson: boolean
  out: NodeJS.WriteStream
  err: NodeJS.WriteStream
}

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan"

export function createOutput(isJson: boolean): Output {
  return { isJson, out: process.stdout, err: process.stderr }
}

export function print({ out }: Output, text: string): void {
  out.write(`${text}\n`)
}

/** One value a line, for `jq` and the like. */
export function printJson({ out }: Output, value: unknown): void {
  out.write(`${JSON.stringify(value)}\n`)
}

/** Something for the person at the terminal; a script that asked for JSON does not get it. */
export function note({ err, isJson }: Output, text: string): void {
  if (!isJson) err.write(`${text}\n`)
}

/** Colour where the stream is a terminal that has any, and neither NO_COLOR nor a dumb terminal forbids it. */
export function paint(stream: NodeJS.WriteStream, style: Style, text: string): string {
  const hasColors = stream.isTTY && stream.hasColors()
  return hasColors ? styleText(style, text, { validateStream: false }) : text
}

/** Lines can be overwritten: on a terminal whose size is known. */
export function isLive({ isJson }: Output, stream: NodeJS.WriteStream): boolean {
  return !isJson && stream.isTTY && stream.rows > 0
}

const STATE_STYLES: Record<string, Style> = {
  ...{ completed: "green", failed: "red", cancelled: "dim", processing: "cyan", scheduled: "dim" },
  ...{ ok: "green", degraded: "yellow", down: "red" },
}

export function paintState(stream: NodeJS.WriteStream, state: string): string {
  const style = STATE_STYLES[state]
  return style === undefined ? state : paint(stream, style, state)
}

/** What came from others may not steer the terminal. */
export function harmless(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are meant.
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "")
}

const NO_LINES = Object.fromEntries(
  [
    ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"],
    ...["left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"],
  ].map((name) => [name, ""]),
)

export type Cell = string | number | null

/** Columns without lines; numbers to the right, and a dash for what there is not. */
export function formatTable(stream: NodeJS.WriteStream, head: string[], rows: Cell[][]): string {
  const table = new Table({
    ...(head.length > 0 ? { head: head.map((name) => paint(stream, "dim", name)) } : {}),
    chars: NO_LINES,
    style: { "padding-left": 0, "padding-right": 2, head: [], border: [], compact: true },
    colAligns: (rows[0] ?? []).map((cell) => (typeof cell === "number" ? "right" : "left")),
  })
  table.push(...rows.map((row) => row.map((cell) => (cell === null ? "–" : String(cell)))))
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
}

/** Names and what belongs to them, one a line; those without a value are left out. */
export function formatFields(
  stream: NodeJS.WriteStream,
  fields: [name: string, value: Cell | undefined][],
): string {
  const known = fields.filter(([, value]) => value !== null && value !== undefined)
  return formatTable(
    stream,
    [],
    known.map(([name, value]) => [paint(stream, "dim", name), String(value)]),
  )
}
