-- Collects writes, so that one variadic command serves a whole batch: every command is billed.
-- add(command, key, ...) joins the arguments of all calls with the same command and key;
-- flush() sends them in chunks well under Lua's unpack limit.
local CHUNK = 4000
local batches, batch_order = {}, {}

local function add(command, key, ...)
  local name = command .. " " .. (key or "")
  local batch = batches[name]
  if not batch then
    batch = { command = command, key = key, values = {} }
    batches[name] = batch
    batch_order[#batch_order + 1] = name
  end
  for _, value in ipairs({ ... }) do
    batch.values[#batch.values + 1] = value
  end
end

local function flush()
  for _, name in ipairs(batch_order) do
    local batch = batches[name]
    for first = 1, #batch.values, CHUNK do
      local last = math.min(first + CHUNK - 1, #batch.values)
      if batch.key then
        redis.call(batch.command, batch.key, unpack(batch.values, first, last))
      else
        redis.call(batch.command, unpack(batch.values, first, last))
      end
    end
  end
  batches, batch_order = {}, {}
end

-- The values of a variadic read, in chunks: HMGET live, MGET.
local function read_many(command, key, names)
  local values = {}
  for first = 1, #names, CHUNK do
    local last = math.min(first + CHUNK - 1, #names)
    local chunk
    if key then
      chunk = redis.call(command, key, unpack(names, first, last))
    else
      chunk = redis.call(command, unpack(names, first, last))
    end
    for i = 1, last - first + 1 do
      values[first + i - 1] = chunk[i]
    end
  end
  return values
end
