-- The packed record of a live request, fields joined by "|": what was asked for, and behind it what has become of it, which
-- a fresh one does without. src/queue/record.ts holds the same lists.
local RECORD_VERSION = "5"
-- Of what was asked for only effectiveAt changes: what stands before it and behind it is kept as it is.
local ASKED = "^(" .. string.rep("([^|]*)|", 9) .. ")([^|]*)(" .. string.rep("|([^|]*)", 11) .. ")|?(.*)$"
local FATE = "^" .. string.rep("([^|]*)|", 14) .. "([^|]*)$"
local FRESH = "0|0||0|0|0|||||0|||0|0"

local function decode(text)
  local before, version, line, level, organization, model, targets, _, _, due_at, effective_at, behind, bytes, tokens,
    timeout_ms, deadline_at, result_ttl_seconds, _, _, metadata, callback, batch, trace, fate = string.match(text, ASKED)
  if version ~= RECORD_VERSION then error("AIQ_VERSION record " .. string.match(text, "^[^|]*")) end
  if fate == "" then fate = FRESH end
  local attempt, retries, timeouts, lost, replays, started_at, owner, op, provider, history, target, avoid, circuit,
    watched_until, due_again_at = string.match(fate, FATE)
  return {
    before = before, behind = behind, line = line, level = level, organization = organization, model = model,
    targets = targets, dueAt = due_at, effectiveAt = effective_at, bytes = bytes, tokens = tokens,
    timeoutMs = timeout_ms, deadlineAt = deadline_at, resultTtlSeconds = result_ttl_seconds, metadata = metadata,
    callback = callback, batch = batch, trace = trace,
    attempt = attempt, retries = retries, timeouts = timeouts, lost = lost, replays = replays, startedAt = started_at,
    owner = owner, op = op, provider = provider, history = history, target = target, avoid = avoid, circuit = circuit,
    watchedUntil = watched_until, dueAgainAt = due_again_at,
  }
end

local function encode(record)
  local asked = record.before .. record.effectiveAt .. record.behind
  local fate = table.concat({
    record.attempt, record.retries, record.timeouts, record.lost, record.replays, record.startedAt, record.owner,
    record.op, record.provider, record.history, record.target, record.avoid, record.circuit, record.watchedUntil,
    record.dueAgainAt,
  }, "|")
  return fate == FRESH and asked or asked .. "|" .. fate
end

local function increment(record, field)
  record[field] = tonumber(record[field]) + 1
end

-- Nobody holds the lease any more.
local function unlease(record)
  record.owner, record.op, record.provider = "", "", ""
end
