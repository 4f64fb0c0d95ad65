-- The circuit breaker of one provider, in one field of `meta`: "state until trips epoch failures cause probe".
-- `c`: closed. `o`: open until then, and half-open from then on: one probe goes, `probe` is its "id:attempt".
-- `epoch` counts the changes, and a lease bears that of its claim: calls from before a change tell nothing after it.
-- @include meta
local FAILURES_TO_OPEN = 5
local OPEN_MS = { trouble = 5000, account = 60000 }
local LONGEST_OPEN_MS = { trouble = 60000, account = 300000 }

local function parse_breaker(text)
  local state, until_at, trips, epoch, failures, cause, probe =
    string.match(text, "^(%a) (%d+) (%d+) (%d+) (%d+) (%S+) (%S+)$")
  return {
    state = state or "c", until_at = tonumber(until_at or 0), trips = tonumber(trips or 0),
    epoch = tonumber(epoch or 0), failures = tonumber(failures or 0), cause = cause or "-", probe = probe or "-",
  }
end

local function format_breaker(breaker)
  return join(
    breaker.state, breaker.until_at, breaker.trips, breaker.epoch, breaker.failures, breaker.cause, breaker.probe
  )
end

local function open_breaker(breaker, cause)
  local open_ms = math.min(OPEN_MS[cause] * 2 ^ breaker.trips, LONGEST_OPEN_MS[cause])
  breaker.state, breaker.until_at, breaker.cause = "o", now + open_ms, cause
  breaker.trips, breaker.epoch = breaker.trips + 1, breaker.epoch + 1
  breaker.failures, breaker.probe = 0, "-"
end

local function close_breaker(breaker)
  breaker.state, breaker.until_at, breaker.cause = "c", 0, "-"
  breaker.trips, breaker.epoch = 0, breaker.epoch + 1
  breaker.failures, breaker.probe = 0, "-"
end

-- What a call of that epoch tells. Returns true when the breaker is another than before.
local function judge(breaker, call, epoch, health)
  if health == "unknown" or (breaker.state == "o" and breaker.probe ~= call) then return false end
  if epoch ~= tostring(breaker.epoch) then return false end
  if health == "ok" then
    if breaker.state == "o" then
      close_breaker(breaker)
      return true
    end
    local had_failures = breaker.failures > 0
    breaker.failures = 0
    return had_failures
  end
  breaker.failures = breaker.failures + 1
  if health == "account" or breaker.state == "o" or breaker.failures >= FAILURES_TO_OPEN then
    open_breaker(breaker, health)
  end
  return true
end
