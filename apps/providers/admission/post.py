"""What one event loop knows of one endpoint: the last it heard, and what it has not told yet."""

import time

from apps.providers.admission.local import LocalBook
from apps.providers.admission.records import Permit, Phase, Stand, lease_ms
from apps.providers.admission.shared import SharedBook
from apps.providers.types import Candidate

STALE_SECONDS = 1.0  # nobody is let in on older news
IDLE_SECONDS = 2.0  # after the last call, until the loop stops to ask for news


class Post:
    """Times are this machine's monotonic seconds."""

    def __init__(self, candidate: Candidate) -> None:
        self.endpoint_id = candidate.endpoint_id
        self.book = SharedBook(candidate.endpoint_id, candidate.endpoint)
        self.local: LocalBook | None = None  # only while Redis is away
        self.stand = Stand()
        self.paces: dict[str, float] = {}
        self.seen_at = self.used_at = float("-inf")
        self.rests_until = 0.0
        self.pauses: dict[str, float] = {}  # until when, by model
        self.answered = 0  # calls that went well and were not told of yet
        self.samples: dict[str, tuple[int, float]] = {}  # first bytes not told of yet: how many, sum of milliseconds
        self.underway = 0
        self.held: dict[str, Permit] = {}  # permits that somebody else counts

    def see(self, stand: Stand, *, wait_ms: int = 0) -> None:
        """Remember how the endpoint stands; `wait_ms` when it is not to be asked before."""
        self.seen_at = time.monotonic()
        self.stand = stand
        self.rests_until = self.seen_at + max(stand.open_ms, wait_ms) / 1000

    def pause(self, model: str, ms: float) -> None:
        """Remember that `model` is left alone for `ms`, or no longer."""
        if ms > 0:
            self.pauses[model] = time.monotonic() + ms / 1000
        else:
            self.pauses.pop(model, None)

    def is_quiet(self, now: float, model: str) -> bool:
        """Whether nothing stands against the endpoint and `model`, by fresh news."""
        well = self.stand.phase is Phase.CLOSED and now - self.seen_at <= STALE_SECONDS
        return well and not self.is_resting(now, model)

    def is_resting(self, now: float, model: str) -> bool:
        """Whether it would be in vain to ask now, as far as is known."""
        return now < self.rests_until or (bool(self.pauses) and now < self.pauses.get(model, 0.0))

    def is_in_use(self, now: float) -> bool:
        """Whether there is something to tell, or somebody who will ask."""
        return bool(now - self.used_at < IDLE_SECONDS or self.underway or self.answered or self.samples)

    def due(self) -> list[Permit]:
        """Permits of which half the lease is over; they count as renewed from now on."""
        now = time.monotonic()
        found = [p for p in self.held.values() if (now - p.renewed) * 2000 > lease_ms(p.candidate)]
        for permit in found:
            permit.renewed = now
        return found

    def measure(self, model: str, first_ms: float) -> None:
        """An answer of `model` began after `first_ms`."""
        number, total = self.samples.get(model, (0, 0.0))
        self.samples[model] = (number + 1, total + first_ms)

    async def sync(self, process: str) -> None:
        """Tell and hear. Raises `RedisError`; what was to be told is then kept."""
        answered, samples = self.answered, self.samples
        self.answered, self.samples = 0, {}
        paces = [(model, number, total / number) for model, (number, total) in samples.items()]
        try:
            news = await self.book.sync(process, self.underway, answered, paces)
        except BaseException:
            self.answered += answered
            self.samples = samples | self.samples
            raise
        self.see(news.stand)
        self.paces = news.paces
        self.pauses = {model: self.seen_at + ms / 1000 for model, ms in news.pauses.items()}

    def alone(self, now_ms: int) -> LocalBook:
        """The book for the time without Redis; it begins with what is known here."""
        if self.local is None:
            self.local = LocalBook()
            breaker = self.local.breaker
            breaker.generation = self.stand.generation
            if self.stand.phase is not Phase.CLOSED:
                breaker.open_until = now_ms + _rest_ms(self.rests_until)
            for model, until in self.pauses.items():
                if rest_ms := _rest_ms(until):
                    self.local.pauses.pause(now_ms, model, rest_ms)
            for permit in self.held.values():
                self.local.leases.take(permit.lease, now_ms + lease_ms(permit.candidate))
        return self.local


def _rest_ms(until: float) -> int:
    return max(0, int((until - time.monotonic()) * 1000))
