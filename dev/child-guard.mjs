// Runs one command and sees to it that neither the command nor anything it started outlives whoever
// started the guard. Plain JavaScript, so that any supported Node runs it without flags.
//
//   node child-guard.mjs <command> [argument…]
//
// stdin: held open by the starter and never written to. It closes when the starter closes it or dies, even
//   by SIGKILL; then the command's whole process group is ended: SIGTERM, and SIGKILL after the grace.
// fd 3: one JSON line, {"pid"} of the command or {"error"} when it could not be started.
// Exit code: the command's, or 128 + the number of the signal that ended it.
import { spawn } from "node:child_process"
import { constants as access, accessSync, readdirSync, readFileSync, writeSync } from "node:fs"
import { constants } from "node:os"
import { delimiter, join } from "node:path"

const GRACE_MS = 5_000
const POLL_MS = 50
const REPORT_FD = 3

const [command = "", ...args] = process.argv.slice(2)
const program = findProgram(command)
if (program === null) {
  report({ error: `${command} is not installed` })
  process.exit(127)
}
// Where the system can, the command also ends when the guard itself is killed (Debian's util-linux has it).
const setpriv = process.platform === "linux" ? findProgram("setpriv") : null
const line = setpriv === null ? [program, ...args] : [setpriv, "--pdeathsig", "TERM", "--", program, ...args]
// A group of its own: a Ctrl-C in the terminal must reach the starter alone, which ends things in order.
const child = spawn(line[0], line.slice(1), {
  detached: true,
  stdio: ["ignore", "inherit", "inherit"],
  windowsHide: true,
})

/** The path of an executable, looked up on the PATH unless it is a path already; null when there is none. */
function findProgram(name) {
  if (process.platform === "win32") return name
  const folders = (process.env.PATH ?? "").split(delimiter)
  const candidates = name.includes("/") ? [name] : folders.map((folder) => join(folder, name))
  for (const candidate of candidates) {
    try {
      accessSync(candidate, access.X_OK)
      return candidate
    } catch {
      // Look further.
    }
  }
  return null
}

/** @param {NodeJS.Signals} signal */
function signalGroup(signal) {
  if (child.pid === undefined) return
  try {
    if (process.platform === "win32") child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch {
    // Nobody of the group is left.
  }
}

/** Whether anyone of the group still runs. */
function isGroupRunning() {
  if (process.platform !== "linux") {
    try {
      return process.platform !== "win32" && process.kill(-Number(child.pid), 0)
    } catch {
      return false
    }
  }
  // A signal also reaches zombies, and in a container there may be no init that ever reaps them.
  return readdirSync("/proc").some((entry) => {
    if (!/^\d+$/.test(entry)) return false
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "latin1")
      // After the name, which may hold anything: ") state ppid pgrp".
      const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      return Number(group) === child.pid && state !== "Z" && state !== "X"
    } catch {
      return false
    }
  })
}

let stopping = false
function stop() {
  if (stopping) return
  stopping = true
  signalGroup("SIGTERM")
  setTimeout(() => signalGroup("SIGKILL"), GRACE_MS)
}

child.once("error", (error) => {
  report({ error: error.message })
  process.exit(127)
})
child.once("spawn", () => report({ pid: child.pid }))
child.once("exit", (code, signal) => {
  const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal])
  // What the command started may still run, and must not: the guard stays until the group is empty.
  stop()
  if (!isGroupRunning()) process.exit(exitCode)
  setInterval(() => {
    if (!isGroupRunning()) process.exit(exitCode)
  }, POLL_MS)
})

process.stdin.resume()
for (const end of ["end", "close", "error"]) process.stdin.once(end, stop)
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, stop)

function report(line) {
  try {
    writeSync(REPORT_FD, `${JSON.stringify(line)}\n`)
  } catch {
    // The starter is gone already; stdin says so too, and stops the command.
  }
}
