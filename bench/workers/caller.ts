/** A Worker that does nothing but call a provider: what it takes at least. */
export default {
  async fetch(request: Request): Promise<Response> {
    const { url, text } = (await request.json()) as { url: string; text: string }
    const body = JSON.stringify({ model: "m", stream: true, messages: [{ role: "user", content: text }] })
    const headers = { "content-type": "application/json" }
    const answer = await fetch(`${url}/chat/completions`, { method: "POST", headers, body })
    await answer.text()
    return new Response()
  },
}
