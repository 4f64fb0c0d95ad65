import { FilesQuery } from "../../../src/core/contracts/files.ts"
import { described } from "../components.ts"
import type { Operation, Routes } from "../operation.ts"
import {
  OpenAiFile,
  OpenAiFileDeleted,
  OpenAiFiles,
  OpenAiUpload,
  OpenAiUploadPart,
} from "../vendor-answers.ts"
import { CompleteUploadBody, FileBody, PartBody, UploadBody } from "../vendor-bodies.ts"

const json = "application/json"
const common = {
  tag: "OpenAI: files and batches",
  words: "openai",
  parameters: ["Organization"],
} satisfies Partial<Operation>

/** The line of a batch. */
const line = {
  custom_id: "first",
  method: "POST",
  url: "/v1/chat/completions",
  body: { model: "gpt-5-mini", messages: [{ role: "user", content: "Say hello." }] },
}
const jsonl = `${JSON.stringify(line)}\n`

described(FilesQuery, {
  limit: "How many per page.",
  after: "The last id of the page before.",
  order: "By creation.",
  purpose: "Only these.",
})

export const fileRoutes: Routes = {
  "/v1/files": {
    post: {
      ...common,
      operationId: "uploadFile",
      summary: "Takes in a file",
      description: "In bounded memory, however large. Larger than a body may be here: `POST /v1/uploads`.",
      scope: "enqueue",
      body: {
        schema: FileBody,
        type: "multipart/form-data",
        encoding: { expires_after: { style: "deepObject", explode: true } },
        examples: { batch: { summary: "What a batch reads", value: { purpose: "batch", file: jsonl } } },
      },
      answers: { 200: { description: "The file.", content: { [json]: OpenAiFile } } },
    },
    get: {
      ...common,
      operationId: "listFiles",
      summary: "Lists files",
      scope: "read",
      query: FilesQuery,
      answers: { 200: { description: "A page.", content: { [json]: OpenAiFiles } } },
    },
  },
  "/v1/files/{fileId}": {
    get: {
      ...common,
      operationId: "getFile",
      summary: "Tells of a file",
      scope: "read",
      answers: { 200: { description: "The file.", content: { [json]: OpenAiFile } } },
      refusals: [400, 404],
    },
    delete: {
      ...common,
      operationId: "deleteFile",
      summary: "Removes a file",
      scope: "enqueue",
      answers: { 200: { description: "It is gone.", content: { [json]: OpenAiFileDeleted } } },
      refusals: [400, 404],
    },
  },
  "/v1/files/{fileId}/content": {
    get: {
      ...common,
      operationId: "getFileContent",
      summary: "Streams a file",
      scope: "read",
      answers: {
        200: {
          description: "The bytes as they came in.",
          content: { "application/octet-stream": "text" },
          headers: ["Content-Disposition"],
        },
      },
      refusals: [400, 404],
    },
  },
  "/v1/uploads": {
    post: {
      ...common,
      operationId: "createUpload",
      summary: "Begins a file in parts",
      description: "It has an hour.",
      scope: "enqueue",
      body: {
        schema: UploadBody,
        examples: {
          batch: {
            summary: "What a batch reads",
            value: {
              bytes: new TextEncoder().encode(jsonl).length,
              filename: "batch.jsonl",
              mime_type: "application/jsonl",
              purpose: "batch",
            },
          },
        },
      },
      answers: { 200: { description: "The upload.", content: { [json]: OpenAiUpload } } },
    },
  },
  "/v1/uploads/{uploadId}/parts": {
    post: {
      ...common,
      operationId: "addUploadPart",
      summary: "Takes in a part",
      scope: "enqueue",
      body: {
        schema: PartBody,
        type: "multipart/form-data",
        examples: { part: { summary: "All of it", value: { data: jsonl } } },
      },
      answers: { 200: { description: "The part.", content: { [json]: OpenAiUploadPart } } },
      refusals: [404, 409],
    },
  },
  "/v1/uploads/{uploadId}/complete": {
    post: {
      ...common,
      operationId: "completeUpload",
      summary: "Makes a file of the parts",
      scope: "enqueue",
      body: {
        schema: CompleteUploadBody,
        examples: { one: { summary: "Of one part", value: { part_ids: ["{partId}"] } } },
      },
      answers: { 200: { description: "The upload, with its file.", content: { [json]: OpenAiUpload } } },
      refusals: [404, 409],
    },
  },
  "/v1/uploads/{uploadId}/cancel": {
    post: {
      ...common,
      operationId: "cancelUpload",
      summary: "Gives an upload up",
      scope: "enqueue",
      answers: { 200: { description: "The upload.", content: { [json]: OpenAiUpload } } },
      refusals: [400, 404, 409],
    },
  },
}
