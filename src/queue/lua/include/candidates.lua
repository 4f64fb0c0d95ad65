-- Which pending requests may start now, best score first, over all served lines.
-- @include lines
local startable, wake_at = 0, NEVER

-- How many of a line may start: none while it is paused or blocked, and after account trouble one
-- probe at a time, until one succeeds.
local function allowed_of(line, limit)
  local blocked_until, cause = string.match(meta["blocked:" .. line], "^(%d+) (%a+)$")
  blocked_until = tonumber(blocked_until) or 0
  local pending = pending_total({ line })
  if pending == 0 or meta["paused:*"] == "1" or meta["paused:" .. line] == "1" then return 0 end
  if blocked_until > now then
    wake_at = math.min(wake_at, blocked_until)
    return 0
  end
  if cause == "account" then
    return redis.call("ZCARD", LEASES[line]) == 0 and math.min(limit, 1) or 0
  end
  startable = startable + pending
  return limit
end

local function by_score(a, b)
  if a.score ~= b.score then return a.score < b.score end
  return a.id < b.id
end

-- Returns the ids of the first `limit`, and their records.
local function candidates(served, limit)
  local found, ids = {}, {}
  for _, line in ipairs(served) do
    local allowed = allowed_of(line, limit)
    local members = allowed > 0 and redis.call("ZRANGE", LINE[line], 0, allowed - 1, "WITHSCORES") or {}
    for i = 1, #members, 2 do
      found[#found + 1] = { id = members[i], score = tonumber(members[i + 1]) }
    end
  end
  table.sort(found, by_score)
  for i = 1, math.min(limit, #found) do
    ids[i] = found[i].id
  end
  return ids, read_many("HMGET", KEYS[2], ids)
end
