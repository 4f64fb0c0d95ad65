/** A line of a batch of chat completions. */
export function chatLine(customId: string, text: string, body: object = {}) {
  const messages = [{ role: "user", content: text }]
  return {
    ...{ custom_id: customId, method: "POST", url: "/v1/chat/completions" },
    body: { model: "gpt-test", messages, ...body },
  }
}

const MODELS = ["gpt-test", "anthropic/claude-test", "deepseek/deepseek-chat", "no-such-model"]
const TEXTS = ["hello", "refuse", "hello", "break", "hello"]

/** Lines for all providers, of which some fail. */
export function mixedLines(count: number) {
  return Array.from({ length: count }, (_, i) =>
    chatLine(`line-${i}`, `${TEXTS[i % TEXTS.length]} ${i}`, { model: MODELS[i % MODELS.length] }),
  )
}
