import { text as readText } from "node:stream/consumers"
import { type Command, Option } from "commander"
import type { NewRequest } from "../../client/client.ts"
import type { Target } from "../../core/request.ts"
import { PRIORITIES, type Priority } from "../../core/request.ts"
import { UsageError } from "../exit.ts"
import { note, print, printJson } from "../output.ts"
import { openSession } from "../session.ts"
import { readCount, readDuration, readIdempotencyKey, readJsonPair, readPair, readTarget } from "../values.ts"
import { addWaitOptions, showOutcome, type WaitFlags } from "../wait.ts"

interface Flags extends WaitFlags {
  provider: string
  model: string
  system?: string
  priority?: Priority
  organization?: string
  option?: Record<string, unknown>
  fallback?: Target[]
  metadata?: Record<string, string>
  timeout?: number
  maxRetries?: number
  delay?: number
  deadline?: number
  idempotencyKey?: string
}

const EXAMPLES = `
Examples:
  $ ai-request-queue enqueue -p openai -m gpt-5-mini "What is ESG?" --wait
  $ git diff | ai-request-queue enqueue -p anthropic -m claude-sonnet-5 --system "Review this change." --wait
  $ ai-request-queue enqueue -p deepseek -m deepseek-flash --priority low --delay 2h --option temperature=0.2 "…"

Prints the request's id, or with --wait the answer alone. A tenant's key needs no --organization.`

export function addEnqueue(program: Command): void {
  const command = program
    .command("enqueue")
    .summary("store a request; --wait prints its answer")
    .description("Stores one request. The prompt is the argument, or what comes in on stdin.")
    .argument("[prompt]", "the user's message; - or nothing: read it from stdin")
    .addOption(
      new Option("-p, --provider <name>", "openai, anthropic, deepseek, another; auto for a route")
        .env("AIQ_PROVIDER")
        .makeOptionMandatory(),
    )
    .addOption(
      new Option("-m, --model <name>", "the model, or a route's name").env("AIQ_MODEL").makeOptionMandatory(),
    )
    .option("-s, --system <text>", "a system message before the prompt")
    .addOption(new Option("--priority <level>", "how urgent it is").choices(PRIORITIES))
    .addOption(new Option("--organization <id>", "whose request it is").env("AIQ_ORGANIZATION"))
    .option(
      "--option <name=value>",
      "an option of the chat completion, such as max_tokens=500; repeatable",
      readJsonPair,
    )
    .option("--fallback <provider/model>", "where it may go instead; repeatable", readTarget)
    .option("--metadata <name=value>", "kept with the request; repeatable", readPair)
    .option("--timeout <duration>", "of one attempt, 1s to 10m", readDuration)
    .option("--max-retries <n>", "0 to 10", readCount)
    .option("--delay <duration>", "due that much later", readDuration)
    .option("--deadline <duration>", "not started after that time from now", readDuration)
    .option(
      "--idempotency-key <key>",
      "with the same key, the same request is stored once in 24 h",
      readIdempotencyKey,
    )
  addWaitOptions(command)
    .addHelpText("after", EXAMPLES)
    .action(async (prompt: string | undefined, flags: Flags) => {
      const { client, output } = openSession(command)
      const request = buildRequest(await readPrompt(prompt), flags)
      const { idempotencyKey } = flags
      const enqueued = await client.enqueue(request, idempotencyKey === undefined ? {} : { idempotencyKey })
      if (flags.wait !== true) {
        if (output.isJson) return printJson(output, enqueued)
        return print(output, enqueued.requestId)
      }
      note(output, `${enqueued.requestId} is ${enqueued.state}; waiting`)
      await showOutcome(client, output, enqueued.requestId, flags)
    })
}

async function readPrompt(prompt: string | undefined): Promise<string> {
  if (prompt !== undefined && prompt !== "-") return prompt
  if (process.stdin.isTTY && prompt !== "-")
    throw new UsageError("Give a prompt as the argument, or on stdin.")
  const text = (await readText(process.stdin)).trim()
  if (text === "") throw new UsageError("The prompt from stdin is empty.")
  return text
}

function buildRequest(prompt: string, flags: Flags): NewRequest {
  const { provider, model, system, priority, organization, option, fallback, metadata, timeout, maxRetries } =
    flags
  const asked: NewRequest = {
    ...{ provider, model },
    messages: [
      ...(system === undefined ? [] : [{ role: "system" as const, content: system }]),
      { role: "user", content: prompt },
    ],
  }
  const optional = {
    priority,
    organizationId: organization,
    options: option,
    fallbacks: fallback,
    metadata,
    timeoutMs: timeout,
    maxRetries,
    delayMs: flags.delay,
    deadlineAt: flags.deadline === undefined ? undefined : Date.now() + flags.deadline,
  }
  return Object.assign(
    asked,
    Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  )
}
