-- Recent figures, in rings inside `meta`, so that they cost no command of their own:
-- throughput in slots of 10 s ("slot enqueued completed failed retried"), and per minute a sparse
-- histogram of waits (w) and provider times (p) with buckets 10 % apart ("minute w12:3 p88:1").
-- @include meta
local SLOT_MS, SLOTS, MINUTES = 10000, 8, 16
local COUNTERS = { "enqueued", "completed", "failed", "retried" }
local BUCKET_BASE = math.log(1.1)
local events, latencies = {}, {}

local function slot_field(at)
  return "throughput:" .. math.floor(at / SLOT_MS) % SLOTS
end

local function minute_field(at)
  return "latency:" .. math.floor(at / 60000) % MINUTES
end

local function count_event(name, by)
  events[name] = (events[name] or 0) + by
end

local function observe(kind, ms)
  local bucket = kind .. math.floor(math.log(math.max(ms, 0) + 1) / BUCKET_BASE)
  latencies[bucket] = (latencies[bucket] or 0) + 1
end

writers[#writers + 1] = function()
  if not next(events) then return end
  local field, slot = slot_field(now), math.floor(now / SLOT_MS)
  local values = numbers(meta[field])
  if values[1] ~= slot then values = { slot, 0, 0, 0, 0 } end
  for i, name in ipairs(COUNTERS) do
    values[i + 1] = values[i + 1] + (events[name] or 0)
  end
  meta_set(field, join(unpack(values)))
end

writers[#writers + 1] = function()
  if not next(latencies) then return end
  local minute, field = math.floor(now / 60000), minute_field(now)
  if tonumber(string.match(meta[field], "^%d+")) == minute then
    for bucket, count in string.gmatch(meta[field], "(%a%d+):(%d+)") do
      latencies[bucket] = (latencies[bucket] or 0) + tonumber(count)
    end
  end
  local parts = { minute }
  for bucket, count in pairs(latencies) do
    parts[#parts + 1] = bucket .. ":" .. count
  end
  meta_set(field, join(unpack(parts)))
end
