import { createReadStream } from "node:fs"

export interface Line {
  /** From 1, as editors count. */
  number: number
  text: string
}

/** The lines of a file, without their ends. Node's own splits at U+2028 too, which JSON may hold inside a string. */
export async function* readLines(path: string): AsyncGenerator<Line, void, void> {
  let rest = ""
  let number = 0
  for await (const chunk of createReadStream(path, { encoding: "utf8" })) {
    const texts = (rest + chunk).split("\n")
    rest = texts.pop() ?? ""
    for (const text of texts) yield { number: ++number, text: clean(text, number) }
  }
  if (rest !== "") yield { number: ++number, text: clean(rest, number) }
}

function clean(text: string, number: number): string {
  return (number === 1 ? text.replace(/^\uFEFF/, "") : text).replace(/\r$/, "")
}
