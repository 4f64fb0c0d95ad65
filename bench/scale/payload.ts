/** Bytes of the smallest and the largest: 1 KB on average, spread because memory is handed out in steps of up to 256 bytes. */
const [SMALLEST, LARGEST] = [768, 1280]
/** Prime, so that all sizes come up, and any thousand in a row has the same average. */
const STRIDE = 97

/** What is posted for one request as JSON, and what a peer's job holds; `i` makes its size. */
export function payload(i: number, organizationId = "org-1", provider = "openai") {
  const ask = (content: string) => ({
    ...{ provider, model: "gpt-5-mini", organizationId },
    messages: [{ role: "user" as const, content }],
    options: { temperature: 0.2, max_tokens: 500 },
  })
  const bytes = SMALLEST + ((i * STRIDE) % (LARGEST - SMALLEST + 1))
  return ask("x".repeat(bytes - JSON.stringify(ask("")).length))
}
