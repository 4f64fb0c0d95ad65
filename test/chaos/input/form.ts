const BOUNDARY = "aiq-form"
export const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`
const LINES = [
  ...["", "[]", "not JSON", "\r\n", "--aiq-form--"],
  '{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-5","messages":[]}}\n',
]

/** As a form, with one member as its file: its text is the filename. Members of members are written as `name[member]`. */
export function toForm(value: unknown, file: string): string {
  const parts = Object.entries(value ?? {}).flatMap(([name, member]) => {
    if (typeof member === "object" && member !== null) {
      return Object.entries(member).map(([inner, text]) => part(`${name}[${inner}]`, textOf(text)))
    }
    const text = textOf(member)
    return name === file ? part(name, LINES[text.length % LINES.length] ?? "", text) : part(name, text)
  })
  return `${parts.join("")}--${BOUNDARY}--\r\n`
}

function part(name: string, text: string, filename?: string): string {
  const file = filename === undefined ? "" : `; filename="${quoted(filename)}"`
  const headers = `Content-Disposition: form-data; name="${quoted(name)}"${file}`
  return `--${BOUNDARY}\r\n${headers}\r\n\r\n${text}\r\n`
}

/** As browsers do. */
function quoted(text: string): string {
  return text.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A")
}

/** What a form has no word for goes as JSON. */
function textOf(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value)
}
