-- Token buckets of one provider, in one field of `meta`: "key level at capacity perMs" per bucket, where the key is
-- "r:" (requests) or "t:" (tokens) and a limit's name, or "R:", "T:" and a model for what the vendor's headers told.
-- @include meta
local WINDOW_MS = 60000
-- Calls start up to half a second after their claim; without a margin a window of the vendor's could see a few too many.
local FILL_SHARE = 0.975
-- A burst of five seconds, so that an idle minute is not made up for at once.
local BURSTS_PER_WINDOW = 12

-- Fills it up to this instant.
local function fill(bucket)
  local grown = math.max(now - bucket.at, 0) * bucket.per_ms
  bucket.level, bucket.at = math.min(bucket.capacity, bucket.level + grown), math.max(bucket.at, now)
  return bucket
end

local function parse_buckets(text)
  local buckets = {}
  for key, level, at, capacity, per_ms in string.gmatch(text, "(%S+) (%S+) (%S+) (%S+) (%S+)") do
    local bucket = {
      level = tonumber(level), at = tonumber(at), capacity = tonumber(capacity), per_ms = tonumber(per_ms),
    }
    -- What was learned is forgotten once the vendor's allowance must be whole again.
    if string.find(key, "^[rt]") or fill(bucket).level < bucket.capacity - 0.001 then buckets[key] = bucket end
  end
  return buckets
end

local function format_buckets(buckets)
  local parts = {}
  for key, bucket in pairs(buckets) do
    parts[#parts + 1] = join(key, bucket.level, bucket.at, bucket.capacity, bucket.per_ms)
  end
  return table.concat(parts, " ")
end

-- The bucket of a limit that is in force; a new one is full. What was owed under a higher limit is no more than a minute
-- of this one.
local function limit_bucket(buckets, key, per_minute)
  local capacity = math.max(1, per_minute / BURSTS_PER_WINDOW)
  local bucket = buckets[key] or { level = capacity, at = now }
  bucket.capacity, bucket.per_ms = capacity, per_minute * FILL_SHARE / WINDOW_MS
  bucket.level = math.max(bucket.level, -bucket.per_ms * WINDOW_MS)
  buckets[key] = bucket
  return fill(bucket)
end

-- The vendor may not have counted yet what is in flight, which our own count has: so the lower one holds.
local function learn_bucket(buckets, key, limit, remaining, full_at)
  -- It comes too late to tell anything: what is known may be newer.
  if full_at <= now then return end
  local known = buckets[key] and fill(buckets[key])
  buckets[key] = nil
  if remaining >= limit then return end
  local level = known and math.min(known.level, remaining) or remaining
  -- By then it must be whole, however low our own count is, or its line would stop for good.
  buckets[key] = { level = level, at = now, capacity = limit, per_ms = (limit - level) / (full_at - now) }
end
