-- Where requests may be sent. A plain one has one target, its line's provider; `targets` of others holds
-- "o provider/model/1 …" (fallbacks, in order) or "w provider/model/weight …" (a route). Models are URI-encoded.
-- @include record
local TIMEOUTS_PER_TARGET = 2

local plain = {}

local function targets_of(record)
  if record.targets == "" then
    local name = record.line .. "/" .. record.model
    plain[name] = plain[name] or { { provider = record.line, name = name, weight = 1, number = 1 } }
    return plain[name]
  end
  local list = {}
  for provider, model, weight in string.gmatch(record.targets, "([^ /]+)/([^ /]+)/(%d+)") do
    local number = #list + 1
    list[number] = { provider = provider, name = provider .. "/" .. model, weight = tonumber(weight), number = number }
  end
  return list
end

-- How often a number stands in "1.3.1".
local function occurrences(text, number)
  local count = 0
  for found in string.gmatch(text, "%d+") do
    if tonumber(found) == number then count = count + 1 end
  end
  return count
end

local function add_number(text, number)
  return text == "" and tostring(number) or text .. "." .. number
end

local function is_used_up(record, number)
  return occurrences(record.timeouts, number) >= TIMEOUTS_PER_TARGET
end

-- The target of the lease.
local function leased_target(record)
  return targets_of(record)[tonumber(record.target)]
end

-- The target has had trouble with this request; when all have, they start over.
local function avoid_target(record)
  if record.targets == "" or occurrences(record.avoid, tonumber(record.target)) > 0 then return end
  record.avoid = add_number(record.avoid, record.target)
  for number = 1, #targets_of(record) do
    if occurrences(record.avoid, number) == 0 and not is_used_up(record, number) then return end
  end
  record.avoid = ""
end
