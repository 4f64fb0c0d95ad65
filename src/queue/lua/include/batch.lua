-- Collects writes, so that one variadic command serves a whole batch: every command is billed.
-- add(command, key, ...) joins the one to three arguments of all calls with the same command and key;
-- flush() sends them in chunks well under Lua's unpack limit.
local CHUNK = 4000
local batches, batch_order = {}, {}

local function batch_of(command, key)
  local by_key = batches[command] or {}
  batches[command] = by_key
  local batch = { command = command, key = key, values = {}, count = 0 }
  by_key[key or ""] = batch
  batch_order[#batch_order + 1] = batch
  return batch
end

local function add(command, key, first, second, third)
  local by_key = batches[command]
  local batch = by_key and by_key[key or ""] or batch_of(command, key)
  local values, count = batch.values, batch.count + 1
  values[count] = first
  if second ~= nil then
    count = count + 1
    values[count] = second
  end
  if third ~= nil then
    count = count + 1
    values[count] = third
  end
  batch.count = count
end

local function flush()
  for _, batch in ipairs(batch_order) do
    for first = 1, batch.count, CHUNK do
      local last = math.min(first + CHUNK - 1, batch.count)
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
    if last == #names and first == 1 then return chunk end
    for i = 1, last - first + 1 do
      values[first + i - 1] = chunk[i]
    end
  end
  return values
end
