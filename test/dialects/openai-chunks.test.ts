import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { ChatChoice } from "../../src/core/request.ts"
import { ChunkWriter } from "../../src/dialects/openai-chunks.ts"
import { AnswerText } from "../../src/http/follow/answer-text.ts"
import { statusOf } from "./rules.ts"

interface Chunk {
  choices: {
    index: number
    // biome-ignore lint/suspicious/noExplicitAny: put together below, and compared with what was stored.
    delta: any
    finish_reason: ChatChoice["finish_reason"] | null
    logprobs: unknown
  }[]
  usage?: object | null
}

/** As a client puts chunks together. */
function assemble(chunks: Chunk[]): object[] {
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  const choices: any[] = []
  for (const { index, delta, finish_reason, logprobs } of chunks.flatMap((chunk) => chunk.choices)) {
    choices[index] ??= { index, message: { role: null, content: "" } }
    const { message } = choices[index]
    if (delta.role) message.role = delta.role
    if (delta.content) message.content += delta.content
    for (const name of ["refusal", "reasoning_content"])
      if (delta[name]) message[name] = (message[name] ?? "") + delta[name]
    for (const { index: at, ...call } of delta.tool_calls ?? []) {
      message.tool_calls ??= []
      message.tool_calls[at] = call
    }
    if (finish_reason !== null)
      Object.assign(choices[index], { finish_reason, ...(logprobs ? { logprobs } : {}) })
  }
  return choices
}

const word = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 })
const call = fc.record({
  ...{ id: word, type: fc.constant("function" as const) },
  function: fc.record({ name: word, arguments: fc.json() }),
})
const message = fc.record(
  {
    ...{ role: fc.constant("assistant" as const), content: fc.string({ unit: "grapheme", maxLength: 200 }) },
    ...{ refusal: word, reasoning_content: word, tool_calls: fc.array(call, { minLength: 1, maxLength: 3 }) },
  },
  { requiredKeys: ["role", "content"] },
)
/** Of an answer: attempts that broke off after so much of it, told in pieces; the last may be told in part, too. */
const attempts = fc.array(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 6 }), { maxLength: 3 })

describe("the chunks of a stream", () => {
  it("come to the stored answer, however it was told, and whatever broke off", () => {
    fc.assert(
      fc.property(message, attempts, fc.boolean(), (said, told, includeUsage) => {
        const status = statusOf({}, { message: said, logprobs: { content: [] } })
        const { response } = status
        if (response === null) throw new Error("no response")
        const writer = new ChunkWriter(status, includeUsage)
        const answer = new AnswerText()
        const chunks: object[] = []
        for (const [i, sizes] of told.entries()) {
          let offset = 0
          for (const size of sizes) {
            const text = said.content.slice(offset, offset + size)
            const more = answer.take({ kind: "text", attempt: i + 1, offset, text })
            offset += size
            if (more) chunks.push(...writer.text(more))
          }
        }
        chunks.push(...writer.end(response, answer.rest(said.content) ?? "contradiction"))
        expect(assemble(chunks as Chunk[])).toEqual(response.choices)
        const usages = (chunks as Chunk[]).flatMap(({ usage }) => (usage ? [usage] : []))
        expect(usages).toEqual(includeUsage ? [response.usage] : [])
      }),
    )
  })

  it("end where the next attempt contradicts what was passed on", () => {
    const answer = new AnswerText()
    const take = (attempt: number, text: string) => answer.take({ kind: "text", attempt, offset: 0, text })
    expect(take(1, "Once upon")).toBe("Once upon")
    expect(take(2, "Once")).toBe("")
    expect(take(2, " upon a time")).toBe(" a time")
    expect(take(3, "Twice")).toBeNull()
    expect(answer.rest("Once upon a time there")).toBe(" there")
    expect(answer.rest("Once")).toBeNull()
  })
})
