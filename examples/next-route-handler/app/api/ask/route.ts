/**
 * A Next.js App Router handler that asks a model through the queue, so that no function waits for one.
 * `POST /api/ask {"question": "…"}` → 202 `{requestId}`; `GET /api/ask?requestId=…` → `{state, answer}`.
 * Only Web APIs: it runs in the Node and in the edge runtime.
 *
 * AIQ_KEY stays on the server. Give it a key of its own: scopes `enqueue` and `read`, one organization.
 */
export async function POST(request: Request): Promise<Response> {
  // Your own sign-in goes here: whoever gets past it spends your tokens.
  const { question } = (await request.json().catch(() => ({}))) as { question?: unknown }
  if (typeof question !== "string" || question === "") {
    return Response.json({ error: "question is missing" }, { status: 400 })
  }
  const answer = await callQueue("/v1/requests", {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      // The browser makes one up per question, so that a repeated click or a lost answer asks once.
      "Idempotency-Key": request.headers.get("Idempotency-Key") ?? crypto.randomUUID(),
    },
    body: JSON.stringify({
      provider: "deepseek",
      model: "deepseek-flash",
      messages: [{ role: "user", content: question }],
      priority: "high",
    }),
  })
  if (!answer.ok) return refuse(answer)
  const { requestId } = (await answer.json()) as { requestId: string }
  return Response.json({ requestId }, { status: 202 })
}

export async function GET(request: Request): Promise<Response> {
  // And here: a request's id must not be enough to read someone else's answer.
  const requestId = new URL(request.url).searchParams.get("requestId") ?? ""
  const answer = await callQueue(`/v1/requests/${encodeURIComponent(requestId)}`)
  if (!answer.ok) return refuse(answer)
  const { state, response, error } = (await answer.json()) as QueuedRequest
  return Response.json({
    state,
    answer: response?.choices[0]?.message.content ?? null,
    error: error?.code ?? null,
  })
}

interface QueuedRequest {
  state: string
  response: { choices: { message: { content: string | null } }[] } | null
  error: { code: string } | null
}

function callQueue(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${process.env.AIQ_URL}${path}`, {
    ...init,
    headers: { ...init.headers, Authorization: `Bearer ${process.env.AIQ_KEY}` },
    cache: "no-store",
    signal: AbortSignal.timeout(10_000),
  })
}

/** Busy and unknown are the browser's to know, the rest is ours. */
function refuse(answer: Response): Response {
  const retryAfter = answer.headers.get("Retry-After")
  const status = [404, 429, 503].includes(answer.status) ? answer.status : 502
  return Response.json(
    { error: "the queue refused" },
    { status, headers: retryAfter === null ? {} : { "Retry-After": retryAfter } },
  )
}
