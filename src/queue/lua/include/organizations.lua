-- How many live requests there are, in all (`load`) and per organization.
-- @include meta

local function organization_fields(names)
  local fields = {}
  for i, name in ipairs(names) do
    fields[i] = "live:" .. name
  end
  return fields
end

-- Reads the counts of these organizations in one command, except those that are known and perhaps changed already.
local function read_organizations(names)
  local unread = {}
  for _, field in ipairs(organization_fields(names)) do
    if meta[field] == nil then unread[#unread + 1] = field end
  end
  if #unread == 0 then return end
  for i, value in ipairs(redis.call("HMGET", KEYS[1], unpack(unread))) do
    meta[unread[i]] = value or ""
  end
end

local function live_of(name)
  return tonumber(meta["live:" .. name]) or 0
end

local function count_live(name, change)
  meta_set("live:" .. name, math.max(live_of(name) + change, 0))
  meta_set("load", math.max(meta.load + change, 0))
end
