-- `meta`: everything a script needs beside the requests themselves, in one HMGET and one HSET.
-- @include numbers
local meta, meta_changes = {}, {}
-- Lower bounds of the next due time, lease expiry and deadline: until then nobody has to look.
local next_at = {}
local now = tonumber(ARGV[1])

local function meta_set(field, value)
  meta[field] = value
  meta_changes[field] = value
end

-- Returns false when a registered line is missing from `lines`: the caller must come again with its keys.
local function meta_read(lines, fields)
  local names = { "version", "lines", "next", "since", "load" }
  for _, line in ipairs(lines) do
    names[#names + 1] = "pending:" .. line
  end
  for _, field in ipairs(fields) do
    names[#names + 1] = field
  end
  local values = redis.call("HMGET", KEYS[1], unpack(names))
  for i, name in ipairs(names) do
    meta[name] = values[i] or ""
  end
  if meta.version ~= "" and meta.version ~= "1" then
    error("AIQ_VERSION meta " .. meta.version)
  end
  for _, line in ipairs(lines) do
    local counts = numbers(meta["pending:" .. line])
    meta["pending:" .. line] = { counts[1] or 0, counts[2] or 0, counts[3] or 0, counts[4] or 0 }
  end
  local next_values = numbers(meta.next)
  next_at = { due = next_values[1] or NEVER, expiry = next_values[2] or NEVER, deadline = next_values[3] or NEVER }
  meta.load = tonumber(meta.load) or 0
  for line in string.gmatch(meta.lines, "%S+") do
    if not meta["pending:" .. line] then return false end
  end
  return true
end

local function meta_save()
  local values = {}
  for field, value in pairs(meta_changes) do
    values[#values + 1] = field
    values[#values + 1] = value
  end
  if #values > 0 then redis.call("HSET", KEYS[1], unpack(values)) end
end

local function meta_write(lines)
  local after = join(next_at.due, next_at.expiry, next_at.deadline)
  if after ~= meta.next then meta_set("next", after) end
  for _, line in ipairs(lines) do
    local counts = meta["pending:" .. line]
    if counts.changed then meta_changes["pending:" .. line] = join(unpack(counts)) end
  end
  meta_save()
end

local function pending_total(lines)
  local total = 0
  for _, line in ipairs(lines) do
    for _, count in ipairs(meta["pending:" .. line]) do
      total = total + count
    end
  end
  return total
end

-- One more or less pending in a line's level.
local function count_pending(line, level, change)
  local counts = meta["pending:" .. line]
  counts[tonumber(level)] = counts[tonumber(level)] + change
  counts.changed = true
end

local function at_latest(what, instant)
  if instant < next_at[what] then next_at[what] = instant end
end
