"""The figures of breaker, limits and cool-down: one place for Lua, Python and the documentation."""

from typing import Final

SLOT_MS: Final = 3_000  # one piece of the breaker's window
SLOTS: Final = 10  # so the window is 27 to 30 seconds
LEAST_CALLS: Final = 5  # fewer say nothing
OPEN_SHARE: Final = 0.5  # more than this share failed: the circuit opens
BUSY_SLOTS: Final = 2  # of an endpoint that is asked often, the latest say enough: 3 to 6 seconds
BUSY_CALLS: Final = 20  # so many in them are often; the whole window would take half of itself to see an outage
OPEN_MS: Final = 30_000
PROBES: Final = 2  # calls at once that find out whether an endpoint is well again
RECHECK_MS: Final = 1_000  # whoever comes while the probes are out looks again then

COOL_MS: Final = 5_000  # after a 429 that names no time; doubled with each more
LONGEST_COOL_MS: Final = 60_000  # unless the endpoint itself asks for longer
COOL_FORGET_MS: Final = 120_000  # so long after a pause the next 429 is a first one again

RATE_SLOT_MS: Final = 1_000
RATE_SLOTS: Final = 60  # whole ones besides the present one: no minute ever holds more than the limit

LEASE_MARGIN_MS: Final = 15_000  # a call may end later than its timeout by what the last bytes take
PACE_WEIGHT: Final = 0.2  # of the newest measurement
PACE_MS: Final = 300_000  # an older measurement says nothing of today
FLIGHT_MS: Final = 5_000  # a process that has not said for so long what it has under way is gone
KEPT_MS: Final = 86_400_000  # a day: the last error of an endpoint is still to be read tomorrow morning


def as_lua() -> str:
    """Every figure as a local of the same name."""
    return "\n".join(f"local {name} = {value}" for name, value in globals().items() if name.isupper())
