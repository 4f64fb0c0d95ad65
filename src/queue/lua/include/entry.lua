-- The way into a line.
-- @include lines
-- @include fairness

-- Puts a request in its line; the caller removes it from where it was, and stores the record, which may have changed.
local function enter_line(id, record, retry_penalty_ms)
  if all_pending == 0 then meta_set("since", now) end
  if record.effectiveAt == "0" then take_share(record) end
  add("ZADD", LINE[record.line], score_of(record, retry_penalty_ms), id)
  count_pending(record.line, record.level, 1)
end
