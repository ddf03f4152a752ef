-- ARGV: 2 lease, 3 generation of the call, 4 probe (1), 5 outcome: ok, bad, busy or none, 6 ms that a busy endpoint asked for
-- or 0, 7 second it was counted in or 0, 8 tokens reserved, 9 tokens used, 10 other calls that went well, 11 what failed,
-- 12 model. Answers {ms for which the model is left alone, opened (1), closed (1), phase, open, generation}.
local lease, outcome, asked = ARGV[2], ARGV[5], tonumber(ARGV[6])
local current, probe, closed = tonumber(ARGV[3]) == generation, ARGV[4] == '1', 0
local slot, over = tonumber(ARGV[7]), tonumber(ARGV[9]) - tonumber(ARGV[8])

redis.call('ZREM', LEASES, lease)
redis.call('ZREM', PROBES_OUT, lease)
if slot > 0 and over ~= 0 then
  local today = math.floor(now / RATE_SLOT_MS)
  local tail = advance(today)
  -- What was reserved in vain is given back where it was taken; what came on top was used up to now.
  if over > 0 then spend(today, 0, over) elseif slot >= tail then spend(slot, 0, over) end
end
if ARGV[11] ~= '' then keep('error', ARGV[11], 'error_at', now) end
if outcome == 'busy' then pause(ARGV[12], asked) end
if outcome == 'ok' then unpause(ARGV[12]) end
count(tonumber(ARGV[10]), 0)
if current and probe and phase() ~= CLOSED then
  if outcome == 'bad' then open() end
  if outcome == 'ok' then
    move(0)
    closed = 1
  end
end
if current and not probe then count(outcome == 'ok' and 1 or 0, outcome == 'bad' and 1 or 0) end
return {math.max(0, pause_of(ARGV[12]) - now), opened, closed, stand()}
