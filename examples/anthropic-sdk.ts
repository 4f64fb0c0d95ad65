/**
 * Anthropic's own SDK, with two lines changed: every call waits its turn in the queue.
 *
 *   AIQ_KEY=… node examples/anthropic-sdk.ts "What is ESG?"        (AIQ_URL: where the queue is)
 */
import Anthropic from "@anthropic-ai/sdk"

const baseURL = process.env.AIQ_URL ?? "http://127.0.0.1:8787"
const apiKey = process.env.AIQ_KEY ?? ""
const client = new Anthropic({ baseURL, apiKey })
const ask = {
  max_tokens: 1024,
  messages: [{ role: "user" as const, content: process.argv[2] ?? "Say hello." }],
}

// As ever.
const message = await client.messages.create({ ...ask, model: "claude-sonnet-5" })
for (const block of message.content) if (block.type === "text") console.log(`answer: ${block.text}`)

// Another provider, the text as it comes, and ahead of the others.
const stream = client.messages.stream(
  { ...ask, model: "openai/gpt-5-mini" },
  { headers: { "X-Queue-Priority": "high" } },
)
process.stdout.write("stream: ")
stream.on("text", (text) => process.stdout.write(text))
await stream.finalMessage()
process.stdout.write("\n")

// Not waited for: asked for later, from anywhere.
const accepted = await client.messages
  .create({ ...ask, model: "claude-sonnet-5" }, { headers: { Prefer: "respond-async" } })
  .asResponse()
const { requestId } = (await accepted.json()) as { requestId: string }
const later = await fetch(`${baseURL}/v1/requests/${requestId}?wait=60`, {
  headers: { authorization: `Bearer ${apiKey}` },
})
const { state, response } = (await later.json()) as {
  state: string
  response: { choices: { message: { content: string } }[] } | null
}
console.log(`${state}: ${response?.choices[0]?.message.content}`)
