import { Command, Option } from "commander"
import { VERSION } from "../core/version.ts"
import { addBackup } from "./commands/backup.ts"
import { addCancelAndReplay } from "./commands/end-or-repeat.ts"
import { addEnqueue } from "./commands/enqueue.ts"
import { addImport } from "./commands/import.ts"
import { addKeys } from "./commands/keys.ts"
import { addList } from "./commands/list.ts"
import { addRestore } from "./commands/restore.ts"
import { addStats } from "./commands/stats.ts"
import { addStatus } from "./commands/status.ts"
import { addVerify } from "./commands/verify.ts"
import { addWatch } from "./commands/watch.ts"

const HELP = `
Environment:
  AIQ_API_KEY       the key: an issued one (aiq_…), or the admin key. There is no option for it, since others
                    on the machine can read a command line
  AIQ_URL           where the queue is; --url wins
  AIQ_ORGANIZATION, AIQ_PROVIDER, AIQ_MODEL
                    defaults of --organization, --provider and --model
  UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN, QUEUE_NAME
                    the store and the queue in it: of backup and restore alone
  NO_COLOR          no colours; there are none either where the output is not a terminal

Exit codes:
  0    done
  1    the queue refused it, or the request failed
  2    the command line or the file is wrong
  3    the queue cannot be reached, or cannot reach its store: try again
  4    --wait-timeout is over, and the request has not ended
  130  interrupted; \`import\`, \`restore\` and what is done to many can be run again

Results go to stdout, everything about them to stderr. With --json each line of stdout is one JSON value, and an
error is one on stderr: {"error": {"code", "detail", "errors", …}}.`

export function createProgram(): Command {
  const program = new Command("ai-request-queue")
    .description(
      "The AI request queue from a terminal: enqueue, look, wait, cancel, replay, discard, import, back up.",
    )
    .version(VERSION)
    .addOption(
      new Option("--url <url>", "where the queue is").env("AIQ_URL").default("http://127.0.0.1:8787"),
    )
    .option("--json", "one JSON value a line, for scripts")
    .addHelpText("after", HELP)
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("(--help says more)")
    .exitOverride()
  addEnqueue(program)
  addStatus(program)
  addList(program)
  addWatch(program)
  addStats(program)
  addCancelAndReplay(program)
  addImport(program)
  addKeys(program)
  addBackup(program)
  addRestore(program)
  addVerify(program)
  return program
}
