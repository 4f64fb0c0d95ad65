-- Records what attempts came to, in order.
-- @include settlement
-- Its arguments, from `first` on: finished indexes ("completed:20541 …"), organizations of the leases, then per settlement:
-- id, attempt, op, kind, at (retry: due; finished: expiry), code, timed out (1/0), provider ms, attempt JSON, summary JSON,
-- response JSON, target ("provider/model", "": no call), health, blocked until (0: not), tokens used ("": not known),
-- quotas ("R limit remaining fullAt T limit remaining fullAt"), provider of the attempt, what it came to ("": no attempt).
local FIELDS_PER_SETTLEMENT, KEYS_PER_SETTLEMENT = 18, 4

local function settling_fields(first)
  local fields = { "kept:completed", "kept:failed", "kept:cancelled" }
  return flatten({ figures.fields(), fields, organization_fields(words(ARGV[first + 1])) })
end

local function read_item(arg, key)
  return {
    id = ARGV[arg], attempt = ARGV[arg + 1], op = ARGV[arg + 2], kind = ARGV[arg + 3], at = tonumber(ARGV[arg + 4]),
    code = ARGV[arg + 5], timed_out = ARGV[arg + 6] == "1", provider_ms = tonumber(ARGV[arg + 7]),
    attempt_json = ARGV[arg + 8], summary = ARGV[arg + 9], response = ARGV[arg + 10],
    target = ARGV[arg + 11], health = ARGV[arg + 12], blocked_until = tonumber(ARGV[arg + 13]),
    used_tokens = tonumber(ARGV[arg + 14]), quotas = ARGV[arg + 15],
    provider = ARGV[arg + 16], came_to = ARGV[arg + 17],
    keys = { metadata = KEYS[key], body = KEYS[key + 1], outcome = KEYS[key + 2], attempts = KEYS[key + 3] },
  }
end

-- Their records, and the metadata of those that have some.
local function read_records_of(items, ids)
  local records, names, owners, metadata = {}, {}, {}, {}
  for i, packed in ipairs(read_many("HMGET", KEYS[2], ids)) do
    records[i] = packed and decode(packed)
    if packed and records[i].metadata == "1" then
      names[#names + 1], owners[#owners + 1] = items[i].keys.metadata, i
    end
  end
  for i, text in ipairs(read_many("MGET", nil, names)) do
    metadata[owners[i]] = text
  end
  return records, metadata
end

local function settle_all(first_key, first, retry_penalty_ms)
  local index_names = words(ARGV[first])
  for i, name in ipairs(index_names) do
    FINISHED[name] = KEYS[first_key + i - 1]
  end
  local items, ids = {}, {}
  local key = first_key + #index_names
  for arg = first + 2, #ARGV, FIELDS_PER_SETTLEMENT do
    local item = read_item(arg, key)
    items[#items + 1], ids[#ids + 1] = item, item.id
    key = key + KEYS_PER_SETTLEMENT
  end
  local records, metadata = read_records_of(items, ids)
  local replies = {}
  for i, item in ipairs(items) do
    note_report(item)
    replies[i] = settle(item, records[i], metadata[i], retry_penalty_ms)
  end
  flush()
  return replies
end
