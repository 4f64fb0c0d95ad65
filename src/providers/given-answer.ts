import { AppError } from "../core/errors.ts"
import { writeJson } from "../core/write-json.ts"
import { ChatAssembly } from "./openai-chat/assemble.ts"
import type { CallOutcome } from "./provider.ts"

/**
 * A chat completion as OpenAI, its SDK and compatible endpoints give it. It is kept in the queue's own shape
 * (`ChatCompletion`), with usage where there is some.
 */
export interface Answer {
  choices: readonly object[]
  id?: string
  created?: number
  model?: string
  usage?: object | null
}

interface Called {
  requestId: string
  /** Of whom was called: stands where the answer names none. */
  model: string
  maxResultBytes: number
}

/** Throws `invalid_request` for what is no chat completion, `too_large` for one over `MAX_RESULT_BYTES`. */
export function readAnswer(
  answer: string | Answer,
  { requestId, model, maxResultBytes }: Called,
): CallOutcome {
  const whole =
    typeof answer === "string"
      ? { choices: [{ message: { content: answer }, finish_reason: "stop" }] }
      : answer
  const assembly = new ChatAssembly(model)
  const response = assemble(assembly, writeJson(whole, "The response"))
  if (response === null) {
    const rule = "must be a string, or a chat completion with choices: [{ message: { content } }]"
    throw new AppError("invalid_request", `The response ${rule}.`)
  }
  const { usage } = assembly
  const bytes = new TextEncoder().encode(JSON.stringify(response)).length
  if (bytes > maxResultBytes) {
    const wayOut = "shorten it, or fail the request with the code result_too_large"
    throw new AppError("too_large", `The response may have at most ${maxResultBytes} bytes: ${wayOut}.`)
  }
  const identified = { ...response, id: response.id || requestId }
  return { kind: "answered", response: identified, usage, status: 200, providerRequestId: null }
}

function assemble(assembly: ChatAssembly, json: string) {
  try {
    const progress = assembly.takeWhole(json)
    if (typeof progress === "object") return null
    assembly.take("[DONE]")
    return assembly.finish()
  } catch {
    return null
  }
}
