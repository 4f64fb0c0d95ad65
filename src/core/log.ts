/** Fields of one log line. Ids, codes, counts and times only: never a prompt, an answer or a key. */
export type LogFields = Record<string, string | number | boolean | null | undefined>

export interface Log {
  info(event: string, fields?: LogFields): void
  warn(event: string, fields?: LogFields): void
  error(event: string, fields?: LogFields): void
}

/** Without what went well: for processes of which the queue is only a part. */
export const quietLog: Log = {
  info: () => {},
  warn: (event, fields) => jsonLog.warn(event, fields),
  error: (event, fields) => jsonLog.error(event, fields),
}

/** One JSON object a line, which Workers Logs indexes by field. */
export const jsonLog: Log = {
  info: (event, fields) => console.log(JSON.stringify({ level: "info", event, ...fields })),
  warn: (event, fields) => console.warn(JSON.stringify({ level: "warn", event, ...fields })),
  error: (event, fields) => console.error(JSON.stringify({ level: "error", event, ...fields })),
}
