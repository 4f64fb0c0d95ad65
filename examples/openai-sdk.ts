/**
 * OpenAI's own SDK, with two lines changed: every call waits its turn in the queue.
 *
 *   AIQ_KEY=… node examples/openai-sdk.ts "What is ESG?"        (AIQ_URL: where the queue is)
 */
import OpenAI from "openai"

const client = new OpenAI({
  baseURL: `${process.env.AIQ_URL ?? "http://127.0.0.1:8787"}/v1`,
  apiKey: process.env.AIQ_KEY,
})
const question = process.argv[2] ?? "Say hello."

// As ever.
const completion = await client.chat.completions.create({
  model: "gpt-5-mini",
  messages: [{ role: "user", content: question }],
})
console.log("answer:", completion.choices[0]?.message.content)

// Another provider, the text as it comes, and ahead of the others.
const stream = await client.chat.completions.create(
  {
    model: "anthropic/claude-sonnet-4-5",
    messages: [{ role: "user", content: question }],
    stream: true,
  },
  { headers: { "X-Queue-Priority": "high" } },
)
process.stdout.write("stream: ")
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? "")
process.stdout.write("\n")

// Not waited for: asked for later, from anywhere.
let response = await client.responses.create({ model: "gpt-5-mini", input: question, background: true })
while (response.status === "queued" || response.status === "in_progress") {
  await new Promise((resolve) => setTimeout(resolve, 1000))
  response = await client.responses.retrieve(response.id)
}
console.log(`${response.status}: ${response.output_text}`)
