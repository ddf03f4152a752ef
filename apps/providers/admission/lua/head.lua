-- What the scripts of one endpoint share.
-- KEYS: 1 the breaker, 2 leases by expiry, 3 probes by expiry, 4 use of the minute, 5 time to the first byte by model,
--       6 calls under way by process, 7 pauses by model. ARGV[1]: the time in milliseconds; 0 for the server's own clock, which all
--       processes share whatever theirs say.
local BREAKER, LEASES, PROBES_OUT, RATE = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local PACE, FLIGHT, PAUSES = KEYS[5], KEYS[6], KEYS[7]
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local kept = redis.call('HMGET', BREAKER, 'until', 'generation', 'window')
local open_until = tonumber(kept[1] or 0)
local generation = tonumber(kept[2] or 1)

local CLOSED, OPEN, HALF = 0, 1, 2
local function phase()
  if open_until == 0 then return CLOSED end
  return now < open_until and OPEN or HALF
end

-- The last SLOTS slots as {slot, answered, failed}, oldest first.
local function window()
  local slots = {}
  for _, slot in ipairs(cjson.decode(kept[3] or '[]')) do
    if slot[1] > math.floor(now / SLOT_MS) - SLOTS then slots[#slots + 1] = slot end
  end
  return slots
end

-- Answered and failed calls of the slots from the given one on.
local function totals(slots, first)
  local answered, failed = 0, 0
  for _, slot in ipairs(slots) do
    if slot[1] >= first then answered, failed = answered + slot[2], failed + slot[3] end
  end
  return answered, failed
end

local function is_bad(slots, first, least)
  local answered, failed = totals(slots, first)
  return answered + failed >= least and failed > OPEN_SHARE * (answered + failed)
end

local function keep(...)
  redis.call('HSET', BREAKER, ...)
  redis.call('PEXPIRE', BREAKER, KEPT_MS)
end

-- Open until the given time, or closed with 0. What was called before says nothing about what comes after.
local function move(deadline)
  open_until, generation, kept[3] = deadline, generation + 1, false
  redis.call('DEL', PROBES_OUT)
  redis.call('HDEL', BREAKER, 'window')
  keep('until', deadline, 'generation', generation)
end

local opened = 0
local function open()
  move(now + OPEN_MS)
  redis.call('HINCRBY', BREAKER, 'opened', 1)
  opened = 1
end

-- Count calls of the present generation; only in a closed circuit.
local function count(answered, failed)
  if phase() ~= CLOSED or answered + failed == 0 then return end
  local slots, slot = window(), math.floor(now / SLOT_MS)
  if #slots == 0 or slots[#slots][1] ~= slot then slots[#slots + 1] = {slot, 0, 0} end
  local last = slots[#slots]
  last[2], last[3] = last[2] + answered, last[3] + failed
  kept[3] = cjson.encode(slots)
  keep('window', kept[3])
  if failed > 0 and (is_bad(slots, 0, LEAST_CALLS) or is_bad(slots, slot - BUSY_SLOTS + 1, BUSY_CALLS)) then open() end
end

-- Forget seconds of which no part lies within the last minute; the oldest that is kept, and the sums.
local function advance(slot)
  local sums = redis.call('HMGET', RATE, 'tail', 'calls', 'tokens')
  local tail, calls, tokens = tonumber(sums[1] or slot), tonumber(sums[2] or 0), tonumber(sums[3] or 0)
  if slot - tail > 2 * RATE_SLOTS then
    redis.call('DEL', RATE)
    return slot, 0, 0
  end
  local first = tail
  while tail < slot - RATE_SLOTS do
    local gone = redis.call('HMGET', RATE, 'c' .. tail, 't' .. tail)
    calls, tokens = calls - tonumber(gone[1] or 0), tokens - tonumber(gone[2] or 0)
    redis.call('HDEL', RATE, 'c' .. tail, 't' .. tail)
    tail = tail + 1
  end
  if tail ~= first then redis.call('HSET', RATE, 'tail', tail, 'calls', calls, 'tokens', tokens) end
  return tail, calls, tokens
end

local function spend(slot, calls, tokens)
  redis.call('HSETNX', RATE, 'tail', slot)
  if calls ~= 0 then
    redis.call('HINCRBY', RATE, 'c' .. slot, calls)
    redis.call('HINCRBY', RATE, 'calls', calls)
  end
  if tokens ~= 0 then
    redis.call('HINCRBY', RATE, 't' .. slot, tokens)
    redis.call('HINCRBY', RATE, 'tokens', tokens)
  end
  redis.call('PEXPIRE', RATE, 2 * RATE_SLOTS * RATE_SLOT_MS)
end

-- Until when a model is left alone after a 429, and how many came in a row.
local function pause_of(model)
  local told = redis.call('HGET', PAUSES, model)
  if not told then return 0, 0 end
  local deadline, times = string.match(told, '^(%d+):(%d+)$')
  deadline = tonumber(deadline)
  if now >= deadline + COOL_FORGET_MS then return 0, 0 end
  return deadline, tonumber(times)
end

local function pause(model, asked)
  local deadline, times = pause_of(model)
  if now >= deadline then
    local length = (asked > 0 and asked or COOL_MS) * 2 ^ math.min(times, 10)
    deadline, times = now + math.min(length, math.max(LONGEST_COOL_MS, asked)), times + 1
  else
    deadline = math.max(deadline, now + asked)
  end
  redis.call('HSET', PAUSES, model, string.format('%d:%d', deadline, times))
  redis.call('PEXPIRE', PAUSES, KEPT_MS)
end

-- The model answered: its next 429 is a first one again.
local function unpause(model)
  local deadline = pause_of(model)
  if now >= deadline then redis.call('HDEL', PAUSES, model) end
end

-- {model, ms, ...} of those that are left alone now.
local function pauses()
  local found = {}
  for _, model in ipairs(redis.call('HKEYS', PAUSES)) do
    local deadline = pause_of(model)
    if now < deadline then
      found[#found + 1] = model
      found[#found + 1] = deadline - now
    end
  end
  return found
end

-- How the endpoint stands, for who asked to remember: phase, rest of the opening, generation.
local function stand()
  return phase(), math.max(0, open_until - now), generation
end
