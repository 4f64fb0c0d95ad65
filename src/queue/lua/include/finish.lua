-- Ends of requests: `outcome:<id>` is five lines: "1|state|code|expiresAt|finishedAt|organization|attempt"
-- (the attempt that ended it, 0: none),
-- head, record, summary (usage, error, last attempt) and response. User data is only concatenated.
-- @include lines
-- @include figures
-- @include organizations

local function parse_outcome(text)
  local header = string.match(text, "^[^\n]*")
  local version, state, code, expires_at, finished_at, organization, attempt =
    string.match(header, "^(%d+)|(%a+)|([%a_]*)|(%d+)|(%d+)|([^|]*)|(%d+)$")
  if version ~= "1" then error("AIQ_VERSION outcome " .. tostring(version)) end
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
local function kept(state, day)
  return tonumber(string.match(" " .. meta["kept:" .. state], " " .. join(day) .. ":(%d+)")) or 0
end

local function set_kept(state, day, count)
  local parts = {}
  for kept_day, kept_count in string.gmatch(meta["kept:" .. state], "(%d+):(%d+)") do
    if tonumber(kept_day) ~= day then parts[#parts + 1] = kept_day .. ":" .. kept_count end
  end
  if count > 0 then parts[#parts + 1] = join(day) .. ":" .. join(count) end
  meta_set("kept:" .. state, table.concat(parts, " "))
end

-- Days of grace for the hourly clean-up, which needs the index to find what else has expired.
local INDEX_GRACE_DAYS = 3

local function index_finished(key, state, id, organization, expires_at)
  local day = day_of(expires_at)
  local count = kept(state, day)
  add("ZADD", key, expires_at, id .. "|" .. organization)
  if count == 0 then add("EXPIREAT", key, (day + 1 + INDEX_GRACE_DAYS) * 86400) end
  set_kept(state, day, count + 1)
end

-- Writes the outcome and takes the request out of the live ones. `keys`: head, body, outcome, attempts.
-- `ending`: state, code, attempt, at (its expiry), summary, response, first_try (there is no history).
local function finish(id, record, head, keys, finished_key, ending)
  local state, expires_at = ending.state, ending.at
  local header = { "1", state, ending.code, join(expires_at), join(now), record.organization, ending.attempt }
  local lines = { table.concat(header, "|"), head or "1{}", encode(record), ending.summary, ending.response }
  local text = table.concat(lines, "\n")
  redis.call("SET", keys.outcome, text, "EXAT", seconds(expires_at))
  add("UNLINK", nil, keys.head)
  if state == "failed" then
    redis.call("EXPIREAT", keys.body, seconds(expires_at))
  else
    add("UNLINK", nil, keys.body)
  end
  if not ending.first_try then redis.call("EXPIREAT", keys.attempts, seconds(expires_at)) end
  add("HDEL", KEYS[2], id)
  if record.deadlineAt ~= "0" then add("ZREM", KEYS[4], id) end
  index_finished(finished_key, state, id, record.organization, expires_at)
  count_live(record.organization, -1)
end
