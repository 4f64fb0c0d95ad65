-- The last operation of each drain ("owner op at"), in one field of `meta`. An owner that has not
-- claimed for two minutes is forgotten: by then no lost reply of its is asked for again.
-- @include meta
local DRAIN_MEMORY_MS = 120000

local function last_op(owner)
  for name, op in string.gmatch(meta.drains, "(%S+) (%S+) %d+") do
    if name == owner then return op end
  end
end

local function remember_op(owner, op)
  local parts = { owner, op, now }
  for name, other_op, at in string.gmatch(meta.drains, "(%S+) (%S+) (%d+)") do
    if name ~= owner and now - tonumber(at) < DRAIN_MEMORY_MS then
      parts[#parts + 1] = name
      parts[#parts + 1] = other_op
      parts[#parts + 1] = at
    end
  end
  meta_set("drains", join(unpack(parts)))
end

local MAINTENANCE_MS = 3600000

-- 1 for the one claim of each hour that should see to the hourly work.
local function maintenance_due()
  local maintained_at = tonumber(meta.maintainedAt)
  if maintained_at and now - maintained_at < MAINTENANCE_MS then return 0 end
  meta_set("maintainedAt", now)
  return maintained_at and 1 or 0
end
