import { useState } from "preact/hooks"
import type { StatusReply } from "../../../client/client.ts"
import { ActionButton } from "../../parts/action-button.tsx"
import { Card } from "../../parts/card.tsx"
import { Empty } from "../../parts/states.tsx"
import { useSession } from "../../session.ts"

/** What was said, which nobody sees who does not ask for it. */
export function Content({ request }: { request: StatusReply }) {
  const { client } = useSession()
  const [messages, setMessages] = useState<StatusReply["messages"]>()
  const [isAnswerShown, setAnswerShown] = useState(false)
  const show = async () => {
    const whole = await client.status(request.requestId, { includeMessages: true })
    setMessages(whole?.messages ?? null)
  }
  return (
    <>
      <Card title="Messages" isWide>
        {messages === undefined ? (
          <div class="buttons">
            <ActionButton label="Show the messages" act={show} />
          </div>
        ) : messages === null ? (
          <Empty>They are not kept any more.</Empty>
        ) : (
          messages.map((message, i) => <Said key={i} who={message.role} what={message} />)
        )}
      </Card>
      <Card title="Answer" isWide>
        {request.response === null ? (
          <Empty>There is none.</Empty>
        ) : isAnswerShown ? (
          request.response.choices.map(({ index, message }) => (
            <Said key={index} who={message.role} what={message} />
          ))
        ) : (
          <div class="buttons">
            <button type="button" onClick={() => setAnswerShown(true)}>
              Show the answer
            </button>
          </div>
        )}
      </Card>
    </>
  )
}

/** Texts as they are; what else there is, such as calls of tools, as JSON. */
function Said({ who, what }: { who: string; what: { role: string; content?: unknown } }) {
  const { role: _, content, ...rest } = what
  const isText = typeof content === "string"
  const more = isText || content == null ? rest : { content, ...rest }
  return (
    <section class="said" aria-label={`Said by ${who}`}>
      <h3>{who}</h3>
      {isText && <p>{content}</p>}
      {Object.keys(more).length > 0 && <pre>{JSON.stringify(more, null, 2)}</pre>}
    </section>
  )
}
