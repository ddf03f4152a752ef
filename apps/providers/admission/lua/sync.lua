-- ARGV: 2 process, 3 calls it has under way, 4 calls that went well, then triples: model, how many, mean ms to the first byte
-- Answers {{phase, open, generation}, {model, rest of its pause, ...}, {model, ms to the first byte lately, ...}}.
local underway, paces, changed = tonumber(ARGV[3]), {}, false
count(tonumber(ARGV[4]), 0)
if underway > 0 then
  redis.call('HSET', FLIGHT, ARGV[2], underway .. ':' .. now)
  redis.call('PEXPIRE', FLIGHT, FLIGHT_MS * 2)
else
  redis.call('HDEL', FLIGHT, ARGV[2])
end
local raw = redis.call('HGETALL', PACE)
for at = 1, #raw, 2 do
  local ms, when = string.match(raw[at + 1], '^(.-):(.*)$')
  if now - tonumber(when) < PACE_MS then paces[raw[at]] = tonumber(ms) else redis.call('HDEL', PACE, raw[at]) end
end
for at = 5, #ARGV - 2, 3 do
  local model, share = ARGV[at], (1 - PACE_WEIGHT) ^ tonumber(ARGV[at + 1])
  local mean = tonumber(ARGV[at + 2])
  paces[model] = paces[model] and paces[model] * share + mean * (1 - share) or mean
  redis.call('HSET', PACE, model, string.format('%.3f:%d', paces[model], now))
  changed = true
  unpause(model)
end
if changed then redis.call('PEXPIRE', PACE, PACE_MS) end
local answer = {}
for model, ms in pairs(paces) do
  answer[#answer + 1] = model
  answer[#answer + 1] = string.format('%.3f', ms)
end
return {{stand()}, pauses(), answer}
