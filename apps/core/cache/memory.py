"""What this process holds, and which of its loads may still be kept when they end."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

LRU_SIZE = 4096


@dataclass(frozen=True, slots=True)
class Entry:
    """A value, and until when (monotonic) it is fresh, good while it is being refreshed, better than an error."""

    value: Any
    fresh_until: float
    good_until: float
    stale_until: float


class Load:
    """One load under way. `spoiled`: its key was forgotten since it began, so what it brings may be the old value."""

    __slots__ = ("key", "spoiled")

    def __init__(self, key: str) -> None:
        self.key = key
        self.spoiled = False


class Memory:
    """Entries by key, the least used dropped first. Thread-safe; reading one that is held takes no lock."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Entry] = OrderedDict()
        self._loads: dict[str, set[Load]] = {}
        self._lock = threading.Lock()

    def held(self, key: str) -> Entry | None:
        """The entry, however old, or None."""
        try:
            self._held.move_to_end(key)
            return self._held[key]
        except KeyError:
            return None

    def begin(self, key: str) -> Load:
        """From now on a `drop` of this key spoils the load; to be called before anything is read."""
        load = Load(key)
        with self._lock:
            self._loads.setdefault(key, set()).add(load)
        return load

    def end(self, load: Load) -> None:
        """The load is over, with or without a value."""
        with self._lock:
            loads = self._loads[load.key]
            loads.discard(load)
            if not loads:
                del self._loads[load.key]

    def keep(self, load: Load, entry: Entry) -> None:
        """Hold what the load brought, unless it was spoiled."""
        with self._lock:
            if load.spoiled:
                return
            self._held[load.key] = entry
            self._held.move_to_end(load.key)
            while len(self._held) > LRU_SIZE:
                self._held.popitem(last=False)

    def drop(self, *keys: str) -> None:
        """Forget these, and do not keep what is being loaded of them."""
        with self._lock:
            for key in keys:
                self._held.pop(key, None)
                for load in self._loads.get(key, ()):
                    load.spoiled = True

    def drop_all(self) -> None:
        """Forget everything, likewise."""
        with self._lock:
            self._held.clear()
            for loads in self._loads.values():
                for load in loads:
                    load.spoiled = True

    def __len__(self) -> int:
        return len(self._held)
