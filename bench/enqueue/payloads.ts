import { readRows } from "../../dev/demo/rows.ts"

const BODY_BYTES = 1024
const ORGANIZATIONS = 20
const BODIES = 200

/** What customers really asked, several questions to a letter: bodies of about 1 KB for `POST /v1/requests`. */
export function enqueueBodies(): string[] {
  const prompts = readRows().map(({ prompt }) => prompt)
  return Array.from({ length: BODIES }, (_, i) => {
    const letter = { role: "user", content: "" }
    const request = {
      ...{ provider: "openai", model: "gpt-5-mini", organizationId: `org-${i % ORGANIZATIONS}` },
      messages: [
        { role: "system", content: "Answer the customer of a bank in one short paragraph." },
        letter,
      ],
    }
    for (let next = i; JSON.stringify(request).length < BODY_BYTES; next++) {
      letter.content += `${prompts[next % prompts.length]} `
    }
    return JSON.stringify(request)
  })
}

/** For `POST /v1/requests/bulk`, of so many requests each. */
export function bulkBodies(size: number): string[] {
  const bodies = enqueueBodies()
  return Array.from(
    { length: Math.floor(bodies.length / size) },
    (_, i) => `{"requests":[${bodies.slice(i * size, (i + 1) * size).join(",")}]}`,
  )
}
