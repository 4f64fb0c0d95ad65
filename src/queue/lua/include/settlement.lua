-- What one settlement does, by where its request is: docs/states.md holds the table that this follows.
-- A settlement: id, attempt, op, kind, at (retry: due; finished: expiry), code, timed_out, provider_ms,
-- attempt_json, summary, response, target, health, blocked_until, used_tokens, quotas, provider, came_to,
-- keys (metadata, body, outcome, attempts).
-- @include finish
-- @include entry
-- @include providers
-- Keys of the finished indexes by name, "completed:20541".
local FINISHED = {}

-- An attempt counts once: one that lost its lease has been, whatever it still comes to.
local function count_end(item, record)
  if item.came_to == "" or string.find(";" .. record.history, ";" .. item.attempt .. ":", 1, true) then return end
  figures.count_attempt(item.came_to, item.provider)
end

-- Finished attempts are written once per number, so one that the history knows is settled again: its answer was lost.
local function note(item, record)
  if item.attempt_json == "" then return "settled" end
  if redis.call("HSETNX", item.keys.attempts, item.attempt, item.attempt_json) == 0 then return "settled" end
  count_end(item, record)
  return "noted"
end

-- What the call told of its target, whatever became of the request.
local function note_report(item)
  local provider = provider_of(string.match(item.target, "^[^/]*"))
  if not provider then return end
  if item.blocked_until > now then
    local name = provider.limits[item.target] and item.target or provider.name
    provider.blocked[name] = math.max(provider.blocked[name] or 0, item.blocked_until)
    provider.changed = true
  end
  for kind, limit, remaining, full_at in string.gmatch(item.quotas, "(%a) (%S+) (%S+) (%S+)") do
    learn_bucket(provider.buckets, kind .. ":" .. item.target, tonumber(limit), tonumber(remaining), tonumber(full_at))
    provider.changed, provider.is_limited = true, true
  end
end

-- The lease ends with its call, or without one.
local function end_lease(item, record)
  local target = leased_target(record)
  local provider = target and provider_of(target.provider)
  local was_made = item.target ~= ""
  if provider and (was_made or item.kind == "release") then
    end_call(provider, target, tonumber(record.tokens), item.used_tokens, was_made)
    local call = item.id .. ":" .. item.attempt
    if was_made and judge(provider.breaker, call, record.circuit, item.health) then provider.changed = true end
  end
  if item.timed_out then record.timeouts = add_number(record.timeouts, record.target) end
  if item.health == "trouble" or item.health == "account" or item.blocked_until > 0 then avoid_target(record) end
end

local function end_request(item, record, metadata, state)
  item.state = state
  finish(item.id, record, metadata, item.keys, FINISHED[state .. ":" .. day_of(item.at)], item)
  figures.count_event(state, 1)
end

-- The request has its outcome. A late success still replaces a failure that only a lost lease had caused.
local function settle_finished(item)
  local text = redis.call("GET", item.keys.outcome)
  if not text then return "gone" end
  local outcome = parse_outcome(text)
  if item.kind == "completed" and outcome.state == "completed" and outcome.attempt == item.attempt then
    return "settled"
  end
  local metadata, packed = string.match(text, "^[^\n]*\n([^\n]*)\n([^\n]*)\n")
  local record = decode(packed)
  if item.kind == "completed" and outcome.code == "lease_expired" then
    local day = day_of(tonumber(outcome.expires_at))
    local index = "failed:" .. join(day)
    if not FINISHED[index] then return "again:" .. index end
    add("ZREM", FINISHED[index], item.id .. "|" .. outcome.organization)
    count_kept("failed", day, -1)
    count_batch(record, "failed", -1)
    read_organizations({ outcome.organization })
    count_live(outcome.organization, 1)
    end_request(item, record, metadata, "completed")
    count_end(item, record)
    return "settled"
  end
  local reply = note(item, record)
  redis.call("EXPIREAT", item.keys.attempts, seconds(tonumber(outcome.expires_at)))
  return reply
end

local function complete(item, record, metadata)
  leave_place(item.id, record)
  item.first_try = record.owner ~= "" and record.attempt == "1"
  if record.owner ~= "" and record.attempt == item.attempt then end_lease(item, record) end
  unlease(record)
  figures.observe("p", item.provider_ms, "@" .. item.provider)
  count_end(item, record)
  end_request(item, record, metadata, "completed")
  return "settled"
end

local function settle(item, record, metadata, retry_penalty_ms)
  if not record then return settle_finished(item) end
  if item.kind == "completed" then return complete(item, record, metadata) end
  local mine = record.owner ~= "" and record.attempt == item.attempt
  if item.attempt_json == "" then
    -- There was no call, so no number that is known: the claim's operation tells whose lease it is.
    if not mine or record.op ~= item.op then return "noted" end
  else
    local reply = note(item, record)
    if reply == "settled" or not mine or item.kind == "note" then return reply end
  end
  add("ZREM", LEASES[record.provider], item.id)
  end_lease(item, record)
  unlease(record)
  if item.kind == "failed" then
    end_request(item, record, metadata, "failed")
    return "settled"
  end
  -- A deadline that passed while the request was leased has been taken off the watch.
  watch_deadline(item.id, record)
  if item.kind == "retry" then
    increment(record, "retries")
    record.dueAgainAt = item.at
    add("ZADD", KEYS[3], item.at, item.id)
    at_latest("due", item.at)
    figures.count_event("retried", 1)
  else
    if item.kind == "release" then
      record.attempt = tonumber(record.attempt) - 1
    else
      record.dueAgainAt = now
    end
    enter_line(item.id, record, retry_penalty_ms)
  end
  add("HSET", KEYS[2], item.id, encode(record))
  return "settled"
end
