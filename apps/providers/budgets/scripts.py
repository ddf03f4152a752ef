"""What happens to budgets in Redis, each in one step for all budgets of a caller.

A budget is a hash: `epoch` is drawn whenever it is filled in anew, `spent` and `held` are micro-credits, `guessed` is
the part of `spent` that stands for calls which never told their cost. A reservation is a field of one hash, and a
member of a sorted set by the time at which it lapses.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from redis.exceptions import NoScriptError

RESERVATIONS: Final = "budget:reservations"
DEADLINES: Final = "budget:deadlines"
LAPSED: Final = "budget:lapsed"
LAPSE_SECONDS: Final = 15 * 60
LAPSED_KEPT_SECONDS: Final = 24 * 3600


class Script:
    """Called by its hash; sent to a server that does not know it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 - the name that Redis gives it

    def run(self, client: Any, keys: Sequence[str], given: Sequence[Any]) -> Any:
        """Raises `RedisError`."""
        try:
            return client.evalsha(self.sha, len(keys), *keys, *given)
        except NoScriptError:
            return client.eval(self.text, len(keys), *keys, *given)

    async def arun(self, client: Any, keys: Sequence[str], given: Sequence[Any]) -> Any:
        """`run` with an asyncio client."""
        try:
            return await client.evalsha(self.sha, len(keys), *keys, *given)
        except NoScriptError:
            return await client.eval(self.text, len(keys), *keys, *given)


# KEYS: reservations, deadlines, then the budgets. ARGV: id, amount, seconds until it lapses, then cap and the seconds
# to keep it of each budget. Answers {"seed", n...} with the budgets that Redis does not know, {"full", n, spent, held},
# or {"ok", time, epoch...}. Numbers go into commands as the texts they came as: Lua would write large ones as 1e+15.
RESERVE: Final = Script("""
local amount, missing, epochs, held = tonumber(ARGV[2]), {'seed'}, {'ok', ''}, {}
for i = 3, #KEYS do
  local b = redis.call('hmget', KEYS[i], 'epoch', 'spent', 'held')
  if not b[1] then
    missing[#missing + 1] = tostring(i - 2)
  else
    if tonumber(b[2]) + tonumber(b[3]) + amount > tonumber(ARGV[2 * i - 2]) then
      return {'full', tostring(i - 2), b[2], b[3]}
    end
    epochs[#epochs + 1] = b[1]
    held[#held + 1] = KEYS[i] .. ' ' .. b[1]
  end
end
if #missing > 1 then return missing end
for i = 3, #KEYS do
  redis.call('hincrby', KEYS[i], 'held', ARGV[2])
  redis.call('expire', KEYS[i], ARGV[2 * i - 1])
end
local now = redis.call('time')[1]
redis.call('hset', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. now .. ' ' .. table.concat(held, ' '))
redis.call('zadd', KEYS[2], now + ARGV[3], ARGV[1])
epochs[2] = now
return epochs
""")

# KEYS: the budget. ARGV: epoch, spent, seconds to keep it. Whoever comes second changes nothing.
SEED: Final = Script("""
if redis.call('hsetnx', KEYS[1], 'epoch', ARGV[1]) == 1 then
  redis.call('hset', KEYS[1], 'spent', ARGV[2], 'held', '0', 'guessed', '0')
  redis.call('expire', KEYS[1], ARGV[3])
end
""")

# KEYS: reservations, deadlines, lapsed, usage stream, then the budgets. ARGV: id, cost, amount, "1" for the first try,
# the record that takes back a loss, the stream's length, then the epoch of each budget at the time of the reservation.
# A budget whose epoch is another was filled in anew: nothing is held in it, and the cost is not in it unless this is a
# later try, before which the call's own record was written.
SETTLE: Final = Script("""
local id, cost, first, of = ARGV[1], ARGV[2], ARGV[4] == '1', {}
local back = ARGV[3] == '0' and '0' or '-' .. ARGV[3]
local open = redis.call('hget', KEYS[1], id)
local lapsed = not open and redis.call('hget', KEYS[3], id)
for key, epoch in string.gmatch(string.match(open or lapsed or '', '^%S+ %S+ (.*)$') or '', '(%S+) (%S+)') do
  of[key] = epoch
end
redis.call('hdel', KEYS[1], id)
redis.call('zrem', KEYS[2], id)
redis.call('hdel', KEYS[3], id)
for i = 5, #KEYS do
  local epoch = redis.call('hget', KEYS[i], 'epoch')
  if epoch then
    local same = epoch == (of[KEYS[i]] or ARGV[i + 2])
    local fresh = same and (open or lapsed)
    if not same and first then fresh = redis.call('hsetnx', KEYS[i], 'late:' .. id, '1') == 1 end
    if open and same then redis.call('hincrby', KEYS[i], 'held', back) end
    if lapsed then redis.call('hincrby', KEYS[i], 'spent', back) end
    if lapsed and same then redis.call('hincrby', KEYS[i], 'guessed', back) end
    if fresh then redis.call('hincrby', KEYS[i], 'spent', cost) end
  end
end
if lapsed then redis.call('xadd', KEYS[4], 'maxlen', '~', ARGV[6], '*', 'batch', ARGV[5]) end
return open and 'settled' or lapsed and 'found' or 'known'
""")

# KEYS: reservations, deadlines, lapsed, usage stream. ARGV: id, now, the record of the loss, the stream's length,
# seconds to keep a lapsed one. Nothing happens when it was settled meanwhile.
LAPSE: Final = Script("""
local score, kept = redis.call('zscore', KEYS[2], ARGV[1]), redis.call('hget', KEYS[1], ARGV[1])
redis.call('zrem', KEYS[2], ARGV[1])
if not score or not kept or tonumber(score) > tonumber(ARGV[2]) then return 0 end
redis.call('hdel', KEYS[1], ARGV[1])
local parts = {}
for part in string.gmatch(kept, '%S+') do parts[#parts + 1] = part end
local back = parts[1] == '0' and '0' or '-' .. parts[1]
for i = 3, #parts, 2 do
  local epoch = redis.call('hget', parts[i], 'epoch')
  if epoch == parts[i + 1] then redis.call('hincrby', parts[i], 'held', back) end
  if epoch then
    redis.call('hincrby', parts[i], 'spent', parts[1])
    redis.call('hincrby', parts[i], 'guessed', parts[1])
  end
end
redis.call('hset', KEYS[3], ARGV[1], kept)
redis.call('expire', KEYS[3], ARGV[5])
redis.call('xadd', KEYS[4], 'maxlen', '~', ARGV[4], '*', 'batch', ARGV[3])
return 1
""")
