-- ARGV: 2 XX to keep places that have not lapsed (a place that has may be taken), NX to enter what Redis does not know
-- because it was away; from 3 on triples: lease, its length in ms, probe (1).
redis.call('ZREMRANGEBYSCORE', LEASES, '-inf', now)
redis.call('ZREMRANGEBYSCORE', PROBES_OUT, '-inf', now)
for at = 3, #ARGV - 2, 3 do
  local deadline = now + tonumber(ARGV[at + 1])
  redis.call('ZADD', LEASES, ARGV[2], deadline, ARGV[at])
  if ARGV[at + 2] == '1' then redis.call('ZADD', PROBES_OUT, ARGV[2], deadline, ARGV[at]) end
end
redis.call('PEXPIRE', LEASES, KEPT_MS)
redis.call('PEXPIRE', PROBES_OUT, KEPT_MS)
return 0
