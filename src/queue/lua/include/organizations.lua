-- What `meta` keeps per organization: `live:` how many live requests it has (all together: `load`), and what fairness
-- needs: `fair:` its tags, `weight:` its share, 1 where nothing is set; `recent:` the expiry of today's index, as set.
-- @include meta

local ORGANIZATION_FIELDS = { "live:", "fair:", "weight:", "recent:" }

local function organization_fields(names)
  local fields = {}
  for _, name in ipairs(names) do
    for _, prefix in ipairs(ORGANIZATION_FIELDS) do
      fields[#fields + 1] = prefix .. name
    end
  end
  return fields
end

-- Reads what is kept of these organizations in one command, except what is known and perhaps changed already.
local function read_organizations(names)
  local unread = {}
  for _, name in ipairs(names) do
    if meta["live:" .. name] == nil then unread[#unread + 1] = name end
  end
  if #unread == 0 then return end
  local fields = organization_fields(unread)
  for i, value in ipairs(redis.call("HMGET", KEYS[1], unpack(fields))) do
    meta[fields[i]] = value or ""
  end
end

local function live_of(name)
  return tonumber(meta["live:" .. name]) or 0
end

local function count_live(name, change)
  meta_set("live:" .. name, math.max(live_of(name) + change, 0))
  meta_set("load", math.max(meta.load + change, 0))
  -- Nothing is live, so nothing is due or leased: a lower bound that is left over would only wake drains.
  if meta.load == 0 then next_at.due, next_at.expiry = NEVER, NEVER end
end
