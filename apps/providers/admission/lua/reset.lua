-- Closes the circuit and ends every pause. Answers 1 when there was something to end.
local was = (open_until ~= 0 or #pauses() > 0) and 1 or 0
move(0)
redis.call('DEL', PAUSES)
return was
