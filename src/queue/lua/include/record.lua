-- The packed record of a live request: fields joined by "|". src/queue/record.ts holds the same list.
local RECORD_VERSION = "2"
local FIELDS = {
  "version", "line", "level", "organization", "dueAt", "effectiveAt", "bytes", "tokens", "timeoutMs",
  "deadlineAt", "resultTtlSeconds", "attempt", "retries", "timeouts", "lost", "replays", "startedAt",
  "owner", "op", "provider", "history", "model", "targets", "target", "avoid", "circuit",
}

local function decode(text)
  local record, i = {}, 0
  for value in string.gmatch(text .. "|", "([^|]*)|") do
    i = i + 1
    if FIELDS[i] then record[FIELDS[i]] = value end
  end
  if record.version == "1" then
    -- It had one target and counted its timeouts.
    record.timeouts = record.timeouts == "0" and "" or "1"
    record.model, record.targets, record.target, record.avoid, record.circuit = "", "", "1", "", ""
  elseif record.version ~= RECORD_VERSION then
    error("AIQ_VERSION record " .. tostring(record.version))
  end
  return record
end

local function encode(record)
  record.version = RECORD_VERSION
  local values = {}
  for i, field in ipairs(FIELDS) do
    values[i] = record[field]
  end
  return table.concat(values, "|")
end

local function increment(record, field)
  record[field] = tonumber(record[field]) + 1
end

-- Nobody holds the lease any more.
local function unlease(record)
  record.owner, record.op, record.provider = "", "", ""
end
