-- Recent figures, in rings inside `meta`, so that they cost no command of their own:
-- throughput in slots of 10 s ("slot enqueued completed failed retried"), and per minute a sparse
-- histogram of waits (w) and provider times (p) with buckets 10 % apart ("minute w12:3 p88:1").
-- @include meta
local SLOT_MS, SLOTS, MINUTES = 10000, 8, 16
local COUNTERS = { enqueued = 2, completed = 3, failed = 4, retried = 5 }
local BUCKET_BASE = math.log(1.1)

local function slot_field(at)
  return "throughput:" .. math.floor(at / SLOT_MS) % SLOTS
end

local function minute_field(at)
  return "latency:" .. math.floor(at / 60000) % MINUTES
end

local function count_event(name, by)
  local field, slot = slot_field(now), math.floor(now / SLOT_MS)
  local values = numbers(meta[field])
  if values[1] ~= slot then values = { slot, 0, 0, 0, 0 } end
  values[COUNTERS[name]] = values[COUNTERS[name]] + by
  meta_set(field, join(unpack(values)))
end

local latencies

local function observe(kind, ms)
  if not latencies then
    latencies = {}
    local minute = math.floor(now / 60000)
    if tonumber(string.match(meta[minute_field(now)], "^%d+")) == minute then
      for bucket, count in string.gmatch(meta[minute_field(now)], "(%a%d+):(%d+)") do
        latencies[bucket] = tonumber(count)
      end
    end
  end
  local bucket = kind .. math.floor(math.log(math.max(ms, 0) + 1) / BUCKET_BASE)
  latencies[bucket] = (latencies[bucket] or 0) + 1
end

-- Before meta_write.
local function write_latencies()
  if not latencies then return end
  local parts = { math.floor(now / 60000) }
  for bucket, count in pairs(latencies) do
    parts[#parts + 1] = bucket .. ":" .. count
  end
  meta_set(minute_field(now), join(unpack(parts)))
end
