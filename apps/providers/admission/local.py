"""One endpoint's state in this process alone, decided as the scripts decide it: for the time when Redis is away."""

from apps.providers.admission.breaker import Breaker, Pauses
from apps.providers.admission.limits import Leases, Minute
from apps.providers.admission.records import Decision, Noted, Obstacle, Permit, Phase, Result, is_limited, lease_ms
from apps.providers.admission.rules import PROBES, RECHECK_MS
from apps.providers.types import Candidate


class LocalBook:
    """Times are milliseconds of any clock that only grows."""

    def __init__(self) -> None:
        self.breaker, self.pauses = Breaker(), Pauses()
        self.leases, self.probes = Leases(), Leases()
        self.minute = Minute()

    def admit(self, now: int, candidate: Candidate, lease: str, tokens: int) -> Decision:
        """Whether `candidate` may be asked now; if so, everything it needs is taken."""
        obstacle, wait = self._obstacle(now, candidate, tokens)
        stand = self.breaker.stand(now)
        if obstacle:
            return Decision(obstacle, wait, False, 0, stand)
        until, slot = now + lease_ms(candidate), 0
        if candidate.rpm or candidate.tpm:
            slot = self.minute.spend(now, 1, tokens)
        if candidate.max_concurrency:
            self.leases.take(lease, until)
        if stand.phase == Phase.HALF:
            self.probes.take(lease, until)
        return Decision("", 0, stand.phase == Phase.HALF, slot, stand)

    def _obstacle(self, now: int, candidate: Candidate, tokens: int) -> tuple[Obstacle, int]:
        breaker = self.breaker
        phase = breaker.phase(now)
        if phase == Phase.OPEN:
            return "open", breaker.open_until - now
        if now < (paused_until := self.pauses.until(now, candidate.model)):
            return "cooling", paused_until - now
        if phase == Phase.HALF and self.probes.count(now) >= PROBES:
            return "open", RECHECK_MS
        return self._limit(now, candidate, tokens) if is_limited(candidate) else ("", 0)

    def _limit(self, now: int, candidate: Candidate, tokens: int) -> tuple[Obstacle, int]:
        minute = self.minute
        minute.advance(now)
        if candidate.max_concurrency and self.leases.count(now) >= candidate.max_concurrency:
            return "calls", 0
        if candidate.rpm and minute.calls + 1 > candidate.rpm:
            return "rpm", minute.wait(now, 1)
        if candidate.tpm and minute.tokens + tokens > candidate.tpm:
            return "tpm", minute.wait(now, 2)
        return "", 0

    def leave(self, now: int, permit: Permit, result: Result, answered: int = 0) -> Noted:
        """Give everything back, and count the call; `answered` are others that went well."""
        breaker, model = self.breaker, permit.candidate.model
        self.leases.drop(permit.lease)
        self.probes.drop(permit.lease)
        if permit.slot and result.tokens != permit.tokens:
            self.minute.correct(now, permit.slot, result.tokens - permit.tokens)
        if result.outcome == "busy":
            self.pauses.pause(now, model, result.asked_ms)
        if result.outcome == "ok":
            self.pauses.unpause(now, model)
        breaker.count(now, answered, 0)
        opened, closed = self._judge(now, permit, result)
        if opened or closed:
            self.probes.clear()
        return Noted(max(0, self.pauses.until(now, model) - now), opened, closed, breaker.stand(now))

    def _judge(self, now: int, permit: Permit, result: Result) -> tuple[bool, bool]:
        breaker = self.breaker
        if permit.generation != breaker.generation:
            return False, False
        if not permit.probe:
            return breaker.count(now, int(result.outcome == "ok"), int(result.outcome == "bad")), False
        if result.outcome == "bad":
            breaker.open(now)
        if result.outcome == "ok":
            breaker.move(0)
        return result.outcome == "bad", result.outcome == "ok"

    def renew(self, now: int, permit: Permit) -> None:
        """Believe `permit` for longer."""
        until = now + lease_ms(permit.candidate)
        self.leases.renew(now, permit.lease, until)
        self.probes.renew(now, permit.lease, until)
