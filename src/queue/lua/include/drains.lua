-- The last operation of each drain ("owner op at"), in one field of `meta`. An owner that has not
-- claimed for two minutes is forgotten: by then no lost reply of its is asked for again.
-- @include meta
local DRAIN_MEMORY_MS = 120000

-- How an operation ("epoch.number") stands to the owner's last: "same", "earlier", or nil: it is new. An earlier one
-- comes when a try that was given up arrives after all.
local function seen_before(owner, op)
  local epoch, number = string.match(op, "^(%x+)%.(%d+)$")
  for name, last_epoch, last_number in string.gmatch(meta.drains, "(%S+) (%x+)%.(%d+) %d+") do
    if name == owner and last_epoch == epoch and tonumber(number) <= tonumber(last_number) then
      return number == last_number and "same" or "earlier"
    end
  end
end

-- Of lanes, `lanes` keeps more, and for a day: "name lastClaimAt completed failed retried errors lastError".
local LANE_MEMORY_MS = 86400000

local function count_lane(name, done)
  local totals, others = { 0, 0, 0, 0, "-" }, {}
  for lane, at, completed, failed, retried, errors, last_error in
    string.gmatch(meta.lanes, "(%S+) (%d+) (%d+) (%d+) (%d+) (%d+) (%S+)")
  do
    if lane == name then
      totals = { completed, failed, retried, errors, last_error }
    elseif now - tonumber(at) < LANE_MEMORY_MS then
      others[#others + 1] = join(lane, at, completed, failed, retried, errors, last_error)
    end
  end
  for i = 1, 4 do
    totals[i] = totals[i] + done[i]
  end
  if done[5] ~= "-" then totals[5] = done[5] end
  meta_set("lanes", join(name, now, join(unpack(totals)), unpack(others)))
end

local function remember_op(owner, op, done)
  local parts = { owner, op, now }
  for name, other_op, at in string.gmatch(meta.drains, "(%S+) (%S+) (%d+)") do
    if name ~= owner and now - tonumber(at) < DRAIN_MEMORY_MS then
      parts[#parts + 1] = name
      parts[#parts + 1] = other_op
      parts[#parts + 1] = at
    end
  end
  meta_set("drains", join(unpack(parts)))
  local lane = string.match(owner, "^(lane%-%d+):")
  if lane then count_lane(lane, done) end
end

local MAINTENANCE_MS = 3600000

-- 1 for the one claim of each hour that should see to the hourly work.
local function maintenance_due()
  local maintained_at = tonumber(meta.maintainedAt)
  if maintained_at and now - maintained_at < MAINTENANCE_MS then return 0 end
  meta_set("maintainedAt", now)
  return maintained_at and 1 or 0
end
