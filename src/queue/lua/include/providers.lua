-- What each configured provider lets start: limits in force, buckets, blocks, breaker. docs/limits.md says what they mean.
-- Each has the fields limits, blocked, breaker, paused and buckets in `meta`, ":" and its name.
-- @include lines
-- @include targets
-- @include buckets
-- @include breaker
local PROVIDER_FIELDS = { "limits", "blocked", "breaker", "paused", "buckets" }
local provider_settings, providers = "", {}

-- `settings`: the limits as set, "name concurrency rpm tpm;…" ("-": none), where changed ones do not stand in `meta`.
local function provider_fields(names, settings)
  provider_settings = settings
  local fields = { "paused:*" }
  for _, name in ipairs(names) do
    providers[name] = false
    for _, field in ipairs(PROVIDER_FIELDS) do
      fields[#fields + 1] = field .. ":" .. name
    end
  end
  return fields
end

local function parse_limits(provider)
  local limits = {}
  local text = meta["limits:" .. provider]
  if text == "" then text = provider_settings end
  for name, concurrency, rpm, tpm in string.gmatch(text, "([^ ;]+) ([^ ;]+) ([^ ;]+) ([^ ;]+)") do
    if string.match(name, "^[^/]+") == provider then
      limits[name] = { concurrency = tonumber(concurrency), rpm = tonumber(rpm), tpm = tonumber(tpm) }
    end
  end
  return limits
end

-- nil: it is not configured here.
local function provider_of(name)
  if providers[name] == false then
    local blocked = {}
    for target, until_at in string.gmatch(meta["blocked:" .. name], "(%S+) (%d+)") do
      if tonumber(until_at) > now then blocked[target] = tonumber(until_at) end
    end
    local limits, buckets = parse_limits(name), parse_buckets(meta["buckets:" .. name])
    providers[name] = {
      name = name, limits = limits, buckets = buckets, is_limited = next(limits) ~= nil or next(buckets) ~= nil,
      blocked = blocked, breaker = parse_breaker(meta["breaker:" .. name]),
      is_paused = meta["paused:*"] == "1" or meta["paused:" .. name] == "1",
      in_flight = {}, refused = {},
    }
  end
  return providers[name]
end

writers[#writers + 1] = function()
  for name, provider in pairs(providers) do
    if provider and provider.changed then
      local blocked = {}
      for target, until_at in pairs(provider.blocked) do
        blocked[#blocked + 1] = join(target, until_at)
      end
      meta_set("blocked:" .. name, table.concat(blocked, " "))
      meta_set("breaker:" .. name, format_breaker(provider.breaker))
      meta_set("buckets:" .. name, format_buckets(provider.buckets))
    end
  end
end

-- Calls in flight: the provider's leases, and of a model those leased for it.
local function in_flight(provider, name)
  if not provider.in_flight[name] then
    local count = 0
    if name == provider.name then
      count = redis.call("ZCARD", LEASES[name])
    else
      local ids = redis.call("ZRANGE", LEASES[provider.name], 0, -1)
      local records = #ids > 0 and read_many("HMGET", KEYS[2], ids) or {}
      for i = 1, #ids do
        local record = records[i] and decode(records[i])
        -- No call runs under the lease of an overdue one, which may never have had a target.
        if record and record.owner ~= "overdue" and leased_target(record).name == name then count = count + 1 end
      end
    end
    provider.in_flight[name] = count
  end
  return provider.in_flight[name]
end

-- Whether its one probe is still out: cancelled, handed back or lost, it has left the leases.
local function is_probing(provider)
  local id = string.match(provider.breaker.probe, "^(.+):%d+$")
  return id ~= nil and redis.call("ZSCORE", LEASES[provider.name], id) ~= false
end

-- nil, or until when no call of the provider may start (NEVER: not known).
local function shut_until(provider)
  if provider.is_paused then return NEVER end
  local blocked_until = provider.blocked[provider.name]
  local breaker = provider.breaker
  if breaker.state == "o" then
    if breaker.until_at > now then return math.max(breaker.until_at, blocked_until or 0) end
    if provider.probing == nil then provider.probing = is_probing(provider) end
    if provider.probing then return blocked_until or NEVER end
  end
  return blocked_until
end

-- What a call of this target takes from which bucket, all or nothing. `name`: whose limit it is; `kind`: as in its key.
local function takings(provider, target, tokens)
  local list = {}
  if not provider.is_limited then return list end
  local function take(name, kind, bucket, amount)
    if not bucket then return end
    list[#list + 1] = { name = name, kind = kind, bucket = bucket, amount = math.min(amount, bucket.capacity) }
  end
  for _, name in ipairs({ provider.name, target.name }) do
    local limit = provider.limits[name] or {}
    if limit.rpm then take(name, "r", limit_bucket(provider.buckets, "r:" .. name, limit.rpm), 1) end
    if limit.tpm then take(name, "t", limit_bucket(provider.buckets, "t:" .. name, limit.tpm), tokens) end
  end
  take(target.name, "R", provider.buckets["R:" .. target.name], 1)
  take(target.name, "T", provider.buckets["T:" .. target.name], tokens)
  return list
end

-- How many calls of the provider may start now, whatever their models and tokens; and if none, when one may.
local function room_of_provider(provider)
  local until_at = shut_until(provider)
  if until_at then return 0, until_at end
  local limit, room, free_at = provider.limits[provider.name] or {}, NEVER, NEVER
  if limit.concurrency then room = limit.concurrency - in_flight(provider, provider.name) end
  if limit.rpm then
    local bucket = limit_bucket(provider.buckets, "r:" .. provider.name, limit.rpm)
    room = math.min(room, math.floor(bucket.level))
    if bucket.level < 1 then free_at = now + math.ceil((1 - bucket.level) / bucket.per_ms) end
  end
  if provider.breaker.state == "o" then room = math.min(room, 1) end
  return math.max(room, 0), free_at
end

-- "open", "shut" (paused, blocked or broken) or "full" (a limit is reached); when that can change; whose limit it is.
local function availability(provider, target, tokens)
  if not provider then return "shut", NEVER end
  local until_at = shut_until(provider) or provider.blocked[target.name]
  if until_at then return "shut", until_at end
  if not provider.is_limited then return "open" end
  for _, name in ipairs({ provider.name, target.name }) do
    local concurrency = (provider.limits[name] or {}).concurrency
    if provider.refused[name] then return "full", provider.refused[name], name end
    if concurrency and in_flight(provider, name) >= concurrency then return "full", NEVER, name end
  end
  local free_at, refusing = 0, nil
  for _, taking in ipairs(takings(provider, target, tokens)) do
    local missing = taking.amount - taking.bucket.level
    local at = now + math.ceil(missing / taking.bucket.per_ms)
    if missing > 0 and at > free_at then
      free_at, refusing = at, taking.name
    end
  end
  if refusing then return "full", free_at, refusing end
  return "open"
end

-- Whether the time of a call matters to its provider's limits, so that none must wait long after its claim.
local function is_limited(provider, target)
  for _, name in ipairs({ provider.name, target.name }) do
    local limit = provider.limits[name] or {}
    if limit.concurrency or limit.rpm or limit.tpm then return true end
  end
  for _, kind in ipairs({ "R:", "T:" }) do
    local bucket = provider.buckets[kind .. target.name]
    if bucket and bucket.level < bucket.capacity / 2 then return true end
  end
  return false
end

-- Takes what a call needs; returns the breaker's epoch, which the lease bears.
local function start_call(provider, target, id, attempt, tokens)
  for _, taking in ipairs(takings(provider, target, tokens)) do
    taking.bucket.level = taking.bucket.level - taking.amount
    provider.changed = true
  end
  for name, count in pairs(provider.in_flight) do
    if name == provider.name or name == target.name then provider.in_flight[name] = count + 1 end
  end
  if provider.breaker.state == "o" then
    provider.breaker.probe, provider.probing, provider.changed = id .. ":" .. attempt, true, true
  end
  return provider.breaker.epoch
end

-- Gives back what a call that has ended did not use: all that was taken when it was never made; else, of our own limits,
-- what the estimate was too high. One that was too low is a debt of a minute at most.
local function end_call(provider, target, tokens, used_tokens, was_made)
  for _, taking in ipairs(takings(provider, target, tokens)) do
    local bucket, unused = taking.bucket, 0
    if not was_made then
      unused = taking.amount
    elseif taking.kind == "t" and used_tokens then
      unused = taking.amount - used_tokens
    end
    if unused ~= 0 then
      bucket.level = math.max(math.min(bucket.level + unused, bucket.capacity), -bucket.per_ms * WINDOW_MS)
      provider.changed = true
    end
  end
end
