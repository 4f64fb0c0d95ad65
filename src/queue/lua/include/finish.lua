-- Ends of requests: `outcome:<id>` is five lines: "2|state|code|expiresAt|finishedAt|organization|attempt"
-- (the attempt that ended it, 0: none), metadata ("": none), record, summary (usage, error, last attempt) and response.
-- User data is only concatenated.
-- @include lines
-- @include figures
-- @include organizations
-- Key of the chores, which who ends requests has to know.
local CHORES
local OUTCOME_VERSION = "2"

local function parse_outcome(text)
  local header = string.match(text, "^[^\n]*")
  local version, state, code, expires_at, finished_at, organization, attempt =
    string.match(header, "^(%d+)|(%a+)|([%a_]*)|(%d+)|(%d+)|([^|]*)|(%d+)$")
  if version ~= OUTCOME_VERSION then error("AIQ_VERSION outcome " .. string.match(header, "^%d*")) end
  return {
    state = state, code = code, expires_at = expires_at, finished_at = finished_at, organization = organization,
    attempt = attempt,
  }
end

-- Seconds since the epoch, rounded up, for EXPIREAT and EXAT.
local function seconds(at)
  return math.ceil(at / 1000)
end

local function day_of(at)
  return math.floor(at / 86400000)
end

-- How many of a state are kept, by the day their TTL ends: "20541:17 20542:3".
local kept_days = {}

local function kept(state)
  local days = kept_days[state]
  if not days then
    days = { counts = {}, expiring = {} }
    for day, count in string.gmatch(meta["kept:" .. state], "(%d+):(%d+)") do
      days.counts[tonumber(day)], days.expiring[tonumber(day)] = tonumber(count), tonumber(count) > 0 or nil
    end
    kept_days[state] = days
  end
  return days
end

local function count_kept(state, day, change)
  local days = kept(state)
  days.counts[day], days.changed = (days.counts[day] or 0) + change, true
  -- The last one takes its index with it, and the expiry of that.
  if change < 0 then days.expiring[day] = nil end
end

-- When indexes that have none end, by key.
local expire_indexes = {}

writers[#writers + 1] = function()
  for key, at in pairs(expire_indexes) do
    redis.call("EXPIREAT", key, at)
  end
  for state, days in pairs(kept_days) do
    local parts = {}
    for day, count in pairs(days.counts) do
      if count > 0 then parts[#parts + 1] = day .. ":" .. count end
    end
    if days.changed then meta_set("kept:" .. state, table.concat(parts, " ")) end
  end
end

-- Days of grace for the hourly clean-up, which needs the index to find what else has expired.
local INDEX_GRACE_DAYS = 3

local function index_finished(key, state, id, organization, expires_at)
  local day = day_of(expires_at)
  add("ZADD", key, expires_at, id .. "|" .. organization)
  local expiring = kept(state).expiring
  if not expiring[day] then
    expiring[day], expire_indexes[key] = true, (day + 1 + INDEX_GRACE_DAYS) * 86400
  end
  count_kept(state, day, 1)
end

local CALLBACK_LETTERS = { completed = "c", failed = "f", cancelled = "x" }
-- Ended requests of batches, by field of `meta`.
local batch_counts = {}

local function count_batch(record, state, by)
  if record.batch == "" then return end
  local field = "batch:" .. record.batch .. ":" .. state
  batch_counts[field] = (batch_counts[field] or 0) + by
end

writers[#writers + 1] = function()
  for field, by in pairs(batch_counts) do
    redis.call("HINCRBY", KEYS[1], field, by)
  end
end

-- Whom the end of a request concerns: its batch counts it, and a callback becomes a chore.
local function tell_end(id, record, state)
  count_batch(record, state, 1)
  if string.find(record.callback, CALLBACK_LETTERS[state], 1, true) then
    add("ZADD", CHORES, now, "delivery|" .. id .. "|" .. state .. "|" .. record.replays)
    at_latest("chore", now)
  end
end

-- Writes the outcome and takes the request out of the live ones. `keys`: metadata, body, outcome, attempts.
-- `ending`: state, code, attempt, at (its expiry), summary, response, first_try (there is no history).
local function finish(id, record, metadata, keys, finished_key, ending)
  local state, expires_at, organization = ending.state, ending.at, record.organization
  local text = OUTCOME_VERSION .. "|" .. state .. "|" .. ending.code .. "|" .. expires_at .. "|" .. now .. "|" .. organization
    .. "|" .. ending.attempt .. "\n" .. (metadata or "") .. "\n" .. encode(record) .. "\n" .. ending.summary .. "\n"
    .. ending.response
  redis.call("SET", keys.outcome, text, "EXAT", seconds(expires_at))
  if record.metadata == "1" then add("UNLINK", nil, keys.metadata) end
  if state == "failed" then
    redis.call("EXPIREAT", keys.body, seconds(expires_at))
  else
    add("UNLINK", nil, keys.body)
  end
  if not ending.first_try then redis.call("EXPIREAT", keys.attempts, seconds(expires_at)) end
  add("HDEL", KEYS[2], id)
  if record.deadlineAt ~= "0" then add("ZREM", KEYS[4], id) end
  index_finished(finished_key, state, id, organization, expires_at)
  tell_end(id, record, state)
  count_live(organization, -1)
end
