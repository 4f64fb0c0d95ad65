import type { ReadRequests } from "../core/contracts/new-request.ts"
import type { Path } from "../core/contracts/problem.ts"
import type { RequestStatus } from "../core/outcome.ts"
import type { DialectRules } from "../dialects/rules.ts"
import type { LineCounts, LineError } from "../queue/batches-contract.ts"

export type LineProblem = Omit<LineError, "line">

/** A line of an input file, beside what is wrong with it. `customId` null: it has none that could be told by. */
export interface Envelope {
  customId: string | null
  body: unknown
  problems: LineProblem[]
}

/** What a line came to. `refused`: its body could not be read, so it never became a request. `lost`: its outcome is not kept. */
export type LineEnd =
  | { kind: "completed" | "failed"; status: RequestStatus }
  | { kind: "refused"; problems: LineProblem[] }
  | { kind: "cancelled" | "expired" | "lost" }

export interface EndedLine {
  customId: string
  requestId: string
  end: LineEnd
}

/** How one vendor writes the lines of its batches. */
export interface LineFormat {
  readEnvelope(value: unknown): Envelope
  /** Problems are told below `at`. */
  readBody(body: unknown, rules: DialectRules, at: Path): ReadRequests
  /** What the body is called in its line. */
  bodyName: string
  /** A body that cannot be read fails the whole batch, not just its line. */
  isStrict: boolean
  /** What did not succeed goes to a file of its own. */
  hasErrorFile: boolean
  /** The line of an output file, without its end. */
  tell(line: EndedLine): object
}

/** As what a line counts. */
export function countOf({ kind }: LineEnd): keyof LineCounts {
  return kind === "refused" || kind === "lost" ? "failed" : kind
}

/** `/messages/0/role` as vendors write it: `messages.0.role`. */
export function toParam(pointer: string): string {
  return pointer.slice(1).replaceAll("/", ".").replaceAll("~1", "/").replaceAll("~0", "~")
}
