-- Recent figures, in rings inside `meta`, so that they cost no command of their own: throughput in slots of 10 s
-- ("slot enqueued completed failed retried"), and per minute a sparse map of counters, "minute key:count key:count …".
-- docs/history.md says what its keys mean; roll.lua takes finished minutes on.
-- @include meta
-- A script may have 200 locals in all, so what is of use elsewhere stands in one.
local figures, count_minute = {}
do
  local SLOT_MS, SLOTS, MINUTE_MS = 10000, 8, 60000
  figures.MINUTES, figures.minute = 16, math.floor(now / MINUTE_MS)
  local COUNTERS = { "enqueued", "completed", "failed", "retried" }
  local EVENT_KEYS = { enqueued = "e", completed = "c", failed = "f", retried = "r" }
  local BUCKET_BASE = math.log(1.1)
  -- A roll for nothing but commands ("$") can wait, as long as their minute is in the ring.
  local COMMANDS_WAIT_MINUTES = 12
  local events, counts = {}, {}

  local function slot_field(at)
    return "throughput:" .. math.floor(at / SLOT_MS) % SLOTS
  end

  function figures.minute_field(minute)
    return "minute:" .. minute % figures.MINUTES
  end

  -- The fields of `meta` that whoever counts has to read.
  function figures.fields()
    local minute = figures.minute
    return { slot_field(now), figures.minute_field(minute), figures.minute_field(minute + 1), "rolledAt", "rollAt" }
  end

  function count_minute(key, by)
    counts[key] = (counts[key] or 0) + by
  end

  function figures.count_event(name, by)
    events[name] = (events[name] or 0) + by
    count_minute(EVENT_KEYS[name], by)
  end

  -- In buckets 10 % apart. `kind` is what comes before the bucket's number, `whose` what comes after it.
  function figures.observe(kind, ms, whose)
    count_minute(kind .. math.floor(math.log(math.max(ms, 0) + 1) / BUCKET_BASE) .. whose, 1)
  end

  -- `code`: "completed", or that of its error.
  function figures.count_attempt(code, provider)
    count_minute("a" .. code .. "@" .. provider, 1)
  end

  function figures.add_counts(totals, text)
    for key, count in string.gmatch(text, "(%S+):(%d+)") do
      totals[key] = (totals[key] or 0) + tonumber(count)
    end
    return totals
  end

  function figures.format_counts(totals)
    local parts = {}
    for key, count in pairs(totals) do
      parts[#parts + 1] = key .. ":" .. count
    end
    return table.concat(parts, " ")
  end

  -- A few counters more in the text of a minute: to parse all of it would cost more.
  local function with_counts(text, more)
    for key, by in pairs(more) do
      local _, last = string.find(text, " " .. key .. ":", 1, true)
      if last then
        local count, rest = string.match(text, "^(%d+)(.*)$", last + 1)
        text = string.sub(text, 1, last) .. (tonumber(count) + by) .. rest
      else
        text = text .. " " .. key .. ":" .. by
      end
    end
    return text
  end

  -- A roll is due when the minute that `rollAt` names is over.
  function figures.roll_after(text)
    local minute, counters = string.match(text, "^(%d+) (.*)$")
    local at = tonumber(minute) + (string.find(counters, "^%$:%d+$") and COMMANDS_WAIT_MINUTES or 0)
    if at < (tonumber(meta.rollAt) or NEVER) then meta_set("rollAt", at) end
  end

  -- 1 for the one claim of each minute that should see to a roll.
  function figures.roll_due()
    local roll_at, minute = tonumber(meta.rollAt), figures.minute
    if not roll_at or roll_at >= minute then return 0 end
    meta_set("rollAt", minute)
    return 1
  end

  -- The minute to count in, and the last that was rolled. What is rolled is closed, so who is behind whoever rolled counts
  -- in the next. When that lies far ahead it was rolled by a clock that was wrong, and what it took of this minute is gone.
  local function open_minute()
    local minute, rolled = figures.minute, tonumber(meta.rolledAt) or 0
    if rolled < minute then return minute, rolled end
    if rolled < minute + figures.MINUTES then return rolled + 1, rolled end
    meta_set("rolledAt", minute - 1)
    meta_set(figures.minute_field(minute), "")
    return minute, minute - 1
  end

  writers[#writers + 1] = function()
    if not next(events) then return end
    local field, slot = slot_field(now), math.floor(now / SLOT_MS)
    local values = numbers(meta[field])
    if values[1] ~= slot then values = { slot, 0, 0, 0, 0 } end
    for i, name in ipairs(COUNTERS) do
      values[i + 1] = values[i + 1] + (events[name] or 0)
    end
    meta_set(field, join(unpack(values)))
  end

  local function write_minute(more)
    local minute, rolled = open_minute()
    local field = figures.minute_field(minute)
    -- Only where clocks are more than a minute apart has it not been read.
    local text = meta[field] or redis.call("HGET", KEYS[1], field) or ""
    local held = tonumber(string.match(text, "^%d+"))
    if held ~= minute then
      -- Nobody rolled for as long as the ring reaches: it is lost to the history, but totals never shrink.
      if held and held > rolled then
        local totals = figures.add_counts({}, redis.call("HGET", KEYS[1], "totals") or "")
        meta_set("totals", figures.format_counts(figures.add_counts(totals, text)))
      end
      text = join(minute)
    end
    text = with_counts(text, more)
    meta_set(field, text)
    figures.roll_after(text)
  end

  writers[#writers + 1] = function()
    if next(counts) then write_minute(counts) end
  end

  function note_commands(count)
    write_minute({ ["$"] = count })
  end
end
