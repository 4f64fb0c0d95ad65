import { invalid, problem } from "../../core/contracts/problem.ts"
import type { FileWriter } from "../../queue/files-contract.ts"
import type { AppContext } from "../context.ts"
import { readForm } from "./multipart.ts"

/**
 * Writes the file of a form as it comes, and returns the form's fields, which may stand before or behind it: the file's
 * is its filename, and `name[member]` becomes a member. Throws what `readForm` throws.
 */
export async function takeForm(
  c: AppContext,
  fileField: string,
  writer: FileWriter,
): Promise<Record<string, unknown>> {
  const fields: Record<string, unknown> = Object.create(null)
  for await (const event of readForm(c)) {
    if (event.kind === "bytes") {
      await writer.write(event.bytes)
      continue
    }
    const { name } = event
    const fail = (rule: string) => invalid("The form", [problem([name], rule)])
    const isFile = event.kind === "file"
    if (isFile !== (name === fileField))
      throw fail(isFile ? "must not be a file" : "must be a file, with a filename")
    const [, outer = name, member] = /^(\w+)\[(\w+)\]$/.exec(name) ?? []
    const target = member === undefined ? fields : membersFor(fields, outer)
    const key = member ?? outer
    if (key in target) throw fail("is given more than once")
    const value = isFile ? event.filename.toWellFormed() : event.value
    // Numbers come as their text.
    target[key] = member !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : value
  }
  return fields
}

function membersFor(fields: Record<string, unknown>, name: string): Record<string, unknown> {
  const known = fields[name]
  if (typeof known === "object" && known !== null) return known as Record<string, unknown>
  const members: Record<string, unknown> = Object.create(null)
  fields[name] = members
  return members
}

/** What a store that is away does not take back ends by itself, soon. */
export function undo(work: Promise<unknown>[]): Promise<unknown> {
  return Promise.allSettled(work)
}
