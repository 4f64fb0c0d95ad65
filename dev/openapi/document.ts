import { VERSION } from "../../src/core/version.ts"
import { type JsonSchema, namedSchemas } from "./components.ts"
import { errorResponses } from "./error-answers.ts"
import { HEADERS } from "./headers.ts"
import { type Routes, toOpenApi } from "./operation.ts"
import { PARAMETERS } from "./parameters.ts"
import { accessRoutes } from "./routes/access.ts"
import { actionRoutes } from "./routes/action-api.ts"
import { alertRoutes } from "./routes/alerts.ts"
import { anthropicRoutes } from "./routes/anthropic.ts"
import { batchRoutes } from "./routes/batches.ts"
import { fileRoutes } from "./routes/files.ts"
import { openaiRoutes } from "./routes/openai.ts"
import { queueRoutes } from "./routes/queue.ts"
import { requestRoutes } from "./routes/requests.ts"

const DESCRIPTION = `A queue for language models at the edge: post a chat request for any provider, and read its answer, wait for it,
or be told. The routes of OpenAI and Anthropic take their official SDKs with the base URL and key changed.

- Times end in \`At\` (epoch ms), durations in \`Ms\` or \`Seconds\`.
- Errors are \`application/problem+json\` (RFC 9457); under the vendors' paths they have the vendor's shape, under
  \`/api/ai/queue\` that of the original API.
- A path that is not there is 404, a method that is not there 405 with \`Allow\`.
- \`OPTIONS\` tells a path's methods, \`HEAD\` is served as \`GET\`.
- 429 and 503 say with \`Retry-After\` when to come again; a key with a rate sees what is left of it in \`RateLimit\`.`

const ROUTES: Routes = {
  ...requestRoutes,
  ...queueRoutes,
  ...alertRoutes,
  ...accessRoutes,
  ...openaiRoutes,
  ...fileRoutes,
  ...batchRoutes,
  ...anthropicRoutes,
  ...actionRoutes,
}

/** The OpenAPI document of the whole HTTP API. */
export function buildDocument(): JsonSchema {
  const paths = Object.entries(ROUTES).map(([path, operations]) => [
    path,
    Object.fromEntries(
      Object.entries(operations).map(([method, operation]) => [method, toOpenApi(path, operation)]),
    ),
  ])
  const tags = Object.values(ROUTES).flatMap((operations) => Object.values(operations).map(({ tag }) => tag))
  return {
    openapi: "3.1.0",
    info: {
      title: "AI request queue",
      version: VERSION,
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }],
    tags: [...new Set(tags)].map((name) => ({ name })),
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "`ADMIN_API_KEY`, or a key from `POST /v1/keys`.",
        },
        apiKey: {
          type: "apiKey",
          in: "header",
          name: "x-api-key",
          description: "The same keys, where vendors' clients send them.",
        },
      },
      parameters: PARAMETERS.all,
      headers: HEADERS,
      responses: errorResponses(),
      schemas: namedSchemas(),
    },
  }
}
