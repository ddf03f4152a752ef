-- Answers {{phase, open, generation}, {model, rest of its pause, ...}, {model, ms to the first byte lately, ...},
-- {answered, failed, leases, under way, calls, tokens, opened, what failed last, when}}.
local answered, failed = totals(window(), 0)
local underway = 0
for _, said in ipairs(redis.call('HVALS', FLIGHT)) do
  local calls, when = string.match(said, '^(.-):(.*)$')
  if now - tonumber(when) < FLIGHT_MS then underway = underway + tonumber(calls) end
end
redis.call('ZREMRANGEBYSCORE', LEASES, '-inf', now)
local _, calls, tokens = advance(math.floor(now / RATE_SLOT_MS))
local last = redis.call('HMGET', BREAKER, 'opened', 'error', 'error_at')
local paces, raw = {}, redis.call('HGETALL', PACE)
for at = 1, #raw, 2 do
  local ms, when = string.match(raw[at + 1], '^(.-):(.*)$')
  if now - tonumber(when) < PACE_MS then
    paces[#paces + 1] = raw[at]
    paces[#paces + 1] = ms
  end
end
return {{stand()}, pauses(), paces, {
  answered, failed, redis.call('ZCARD', LEASES), underway, calls, tokens,
  tonumber(last[1] or 0), last[2] or '', tonumber(last[3] or 0),
}}
