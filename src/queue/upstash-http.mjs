// `@upstash/redis` exports one class with every command there is: 17 kB gzipped that no bundler can shake. Of the pinned
// version only the HTTP client is wanted, and lies in this file of it: docs/decisions/005-only-the-http-client.md.
export { HttpClient } from "../../node_modules/@upstash/redis/chunk-4WQYU7T6.mjs"
