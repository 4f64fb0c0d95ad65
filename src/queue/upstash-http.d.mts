/** What we use of the HTTP client inside `@upstash/redis`, which its own declarations leave out. */
export class HttpClient {
  constructor(config: {
    baseUrl: string
    headers: { authorization: string }
    /** false: plain JSON instead of base64. */
    responseEncoding: false
    /** Beyond the first try. */
    retry: { retries: number }
    /** Asked before each request; when it fires, the request rejects. */
    signal: () => AbortSignal
  })
  /** Resolves to the parsed body: `{result}`, or from `pipeline` a list of `{result}` and `{error}`. */
  request(request: { path?: string[]; body: unknown }): Promise<unknown>
}
