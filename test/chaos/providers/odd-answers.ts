import { type FaultCase, head, says, WORDS } from "./cases.ts"

const ok = head(200, { "content-type": "text/event-stream" })
const FINE = { code: null } as const
const INVALID = { code: "provider_invalid_response", isRetried: true } as const
const DEEP = "[".repeat(50_000) + "]".repeat(50_000)

const line = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`

/** Answers whose JSON is JSON, and is not what it should be, in OpenAI's format. */
export function oddChats(): FaultCase[] {
  const delta = (content: unknown) =>
    line({ id: "c1", model: "m", choices: [{ index: 0, delta: { content } }] })
  const end = `${line({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}data: [DONE]\n\n`
  const usage = (value: unknown) => line({ choices: [], usage: value })
  const whole = JSON.stringify({
    id: "c1",
    choices: [{ message: { content: WORDS }, finish_reason: "stop" }],
  })
  return [
    {
      title: "usage twice",
      ...FINE,
      ...says(ok, delta(WORDS), usage({ prompt_tokens: 1 }), usage(COUNTS), end),
    },
    {
      title: "usage below nothing",
      ...FINE,
      ...says(ok, delta(WORDS), usage({ prompt_tokens: -5, completion_tokens: -1e308 }), end),
    },
    {
      title: "usage beyond any",
      ...FINE,
      ...says(ok, delta(WORDS), usage({ prompt_tokens: 1e308, completion_tokens: 1e308 }), end),
    },
    {
      title: "usage of halves",
      ...FINE,
      ...says(ok, delta(WORDS), usage({ prompt_tokens: 1.5, completion_tokens: 0.1 }), end),
    },
    { title: "usage that is a text", ...FINE, ...says(ok, delta(WORDS), usage("many"), end) },
    {
      title: "usage of texts",
      ...FINE,
      ...says(ok, delta(WORDS), usage({ prompt_tokens: "12", completion_tokens: [1] }), end),
    },
    {
      title: "an id that is a number, a model that is a list",
      ...FINE,
      ...says(ok, line({ id: 7, model: ["m"], created: "x", choices: [] }), delta(WORDS), end),
    },
    {
      title: "an id of 50,000 levels",
      ...FINE,
      ...says(ok, delta(WORDS), `data: {"id":${DEEP},"choices":[]}\n\n`, end),
    },
    {
      title: "log probabilities of 50,000 levels",
      ...FINE,
      ...says(
        ok,
        delta(WORDS),
        `data: {"choices":[{"index":0,"logprobs":{"content":null,"refusal":[${DEEP}]}}]}\n\n`,
        end,
      ),
    },
    { title: "content that is a number", ...INVALID, ...says(ok, delta(7), end) },
    { title: "choices that are no list", ...INVALID, ...says(ok, line({ choices: 7 }), end) },
    { title: "a choice that is null", ...INVALID, ...says(ok, line({ choices: [null] }), end) },
    {
      title: "a finish that nobody knows",
      ...FINE,
      ...says(ok, delta(WORDS), line({ choices: [{ delta: {}, finish_reason: "constructor" }] }), end),
    },
    {
      title: "a tool call of odd types",
      ...FINE,
      ...says(
        ok,
        line({
          choices: [
            { delta: { tool_calls: [{ index: 0, id: 5, function: { name: ["f"], arguments: { a: 1 } } }] } },
          ],
        }),
        end,
      ),
    },
    {
      title: "the type of JSON in capitals",
      ...FINE,
      ...says(head(200, { "content-type": "Application/JSON" }), whole),
    },
    {
      title: "insufficient_system_resource",
      code: "provider_overloaded",
      isRetried: true,
      ...says(
        ok,
        delta(WORDS),
        line({ choices: [{ index: 0, delta: {}, finish_reason: "insufficient_system_resource" }] }),
        end,
      ),
    },
    {
      title: "an error in the stream that is a text",
      code: "provider_unavailable",
      isRetried: true,
      ...says(ok, delta(WORDS), line({ error: WORDS })),
    },
    {
      title: "lone surrogates and nulls",
      ...FINE,
      ...says(ok, `data: {"choices":[{"delta":{"content":"\\ud800\\u0000\\udfff"}}]}\n\n`, end),
    },
  ]
}

const COUNTS = { prompt_tokens: 3, completion_tokens: 2 }

/** The same in Anthropic's. */
export function oddMessages(): FaultCase[] {
  const start = (more: object = {}) =>
    line({ type: "message_start", message: { id: "m1", model: "m", usage: { input_tokens: 3 }, ...more } })
  const text = (value: unknown) =>
    line({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: value } })
  const stop = (usage: unknown, reason: unknown = "end_turn") =>
    line({ type: "message_delta", delta: { stop_reason: reason }, usage }) + line({ type: "message_stop" })
  const tool = (block: object) =>
    line({ type: "content_block_start", index: 1, content_block: { type: "tool_use", ...block } })
  return [
    { title: "usage below nothing", ...FINE, ...says(ok, start(), text(WORDS), stop({ output_tokens: -7 })) },
    {
      title: "usage beyond any",
      ...FINE,
      ...says(
        ok,
        start({ usage: { input_tokens: 1e308, cache_read_input_tokens: 1e308 } }),
        text(WORDS),
        stop({ output_tokens: 1e308 }),
      ),
    },
    {
      title: "usage that is a text",
      ...FINE,
      ...says(ok, start({ usage: "many" }), text(WORDS), stop("few")),
    },
    {
      title: "an id that is a number, a model that is a list",
      ...FINE,
      ...says(ok, start({ id: 7, model: ["m"] }), text(WORDS), stop({})),
    },
    {
      title: "an id of 50,000 levels",
      ...FINE,
      ...says(ok, `data: {"type":"message_start","message":{"id":${DEEP}}}\n\n`, text(WORDS), stop({})),
    },
    {
      title: "a refusal of 50,000 levels",
      ...FINE,
      ...says(
        ok,
        start(),
        `data: {"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"explanation":${DEEP}}}}\n\n`,
        line({ type: "message_stop" }),
      ),
    },
    { title: "text that is a number", ...INVALID, ...says(ok, start(), text(7), stop({})) },
    {
      title: "a tool call of odd types",
      ...FINE,
      ...says(ok, start(), tool({ id: 5, name: ["f"], input: [1] }), stop({}, "tool_use")),
    },
    {
      title: "a stop that nobody knows",
      ...FINE,
      ...says(ok, start(), text(WORDS), stop({}, "constructor")),
    },
    {
      title: "an end before any reason",
      ...INVALID,
      ...says(ok, start(), text(WORDS), line({ type: "message_stop" })),
    },
    {
      title: "an error event after a 200",
      code: "provider_overloaded",
      isRetried: true,
      ...says(
        ok,
        start(),
        text(WORDS),
        line({ type: "error", error: { type: "overloaded_error", message: WORDS } }),
      ),
    },
    {
      title: "an error event without an error",
      code: "provider_unavailable",
      isRetried: true,
      ...says(ok, start(), line({ type: "error" })),
    },
    {
      title: "events that nobody knows",
      ...FINE,
      ...says(ok, start(), line({ type: "future_event", data: {} }), text(WORDS), stop({})),
    },
  ]
}
