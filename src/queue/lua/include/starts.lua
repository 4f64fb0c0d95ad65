-- How fast a line has been starting lately, for estimates: `starts:<line>` is "last claim, backlog it left", then
-- "slot starts busyMs" for slots of 30 s. Only time with something in line counts, or a quiet line would look slow.
-- @include meta
local START_SLOT_MS, START_SLOTS = 30000, 10
local LONGEST_BUSY_MS = 60000

local function starts_field(line)
  return "starts:" .. line
end

-- `waited_ms`: of the first that started; `backlog`: what is left in line.
local function note_starts(line, count, waited_ms, backlog)
  local values = numbers(meta[starts_field(line)])
  local last_at, had_backlog, slot = values[1] or now, (values[2] or 0) > 0, math.floor(now / START_SLOT_MS)
  local busy_ms = had_backlog and now - last_at or waited_ms
  if count == 0 and not had_backlog and backlog == 0 then return end
  local parts = { now, backlog }
  local is_known = false
  for i = 3, #values - 2, 3 do
    local starts, busy = values[i + 1], values[i + 2]
    if values[i] == slot then
      is_known, starts, busy = true, starts + count, busy + math.max(math.min(busy_ms, LONGEST_BUSY_MS), 0)
    end
    if values[i] > slot - START_SLOTS then
      parts[#parts + 1] = join(values[i], starts, busy)
    end
  end
  if not is_known then parts[#parts + 1] = join(slot, count, math.max(math.min(busy_ms, LONGEST_BUSY_MS), 0)) end
  meta_set(starts_field(line), join(unpack(parts)))
end
