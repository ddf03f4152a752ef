-- ARGV: 2 lease, 3 its length in ms, 4 calls at once, 5 calls a minute, 6 tokens a minute (0: no limit), 7 tokens wanted,
-- 8 model
-- Answers {"" or what stands in the way, ms to wait, probe (1), second it was counted in or 0, phase, open, generation}.
local lease, length = ARGV[2], tonumber(ARGV[3])
local most, rpm, tpm, wanted = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local slot, rated = math.floor(now / RATE_SLOT_MS), rpm > 0 or tpm > 0

local function refuse(why, wait)
  return {why, wait, 0, 0, stand()}
end

local probing = phase() == HALF
if phase() == OPEN then return refuse('open', open_until - now) end
local paused_until = pause_of(ARGV[8])
if now < paused_until then return refuse('cooling', paused_until - now) end
if probing then
  redis.call('ZREMRANGEBYSCORE', PROBES_OUT, '-inf', now)
  if redis.call('ZCARD', PROBES_OUT) >= PROBES then return refuse('open', RECHECK_MS) end
end
if most > 0 then
  redis.call('ZREMRANGEBYSCORE', LEASES, '-inf', now)
  if redis.call('ZCARD', LEASES) >= most then return refuse('calls', 0) end
end
if rated then
  local tail, calls, tokens = advance(slot)
  local why = rpm > 0 and calls + 1 > rpm and 'rpm' or tpm > 0 and tokens + wanted > tpm and 'tpm'
  if why then
    local field = why == 'rpm' and 'c' or 't'
    while tail < slot and tonumber(redis.call('HGET', RATE, field .. tail) or 0) <= 0 do tail = tail + 1 end
    return refuse(why, (tail + RATE_SLOTS + 1) * RATE_SLOT_MS - now)
  end
  spend(slot, 1, wanted)
end
if most > 0 then
  redis.call('ZADD', LEASES, now + length, lease)
  redis.call('PEXPIRE', LEASES, KEPT_MS)
end
if probing then
  redis.call('ZADD', PROBES_OUT, now + length, lease)
  redis.call('PEXPIRE', PROBES_OUT, KEPT_MS)
end
return {'', 0, probing and 1 or 0, rated and slot or 0, stand()}
