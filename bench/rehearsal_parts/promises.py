"""What was promised, and whether it was kept."""

from dataclasses import dataclass, field


@dataclass
class Promises:
    """Filled by the parts as they go; a broken one makes the whole run fail."""

    broken: list[str] = field(default_factory=list)
    kept: int = 0

    def check(self, words: str, *, kept: bool, found: object = "") -> None:
        """Note whether the promise in `words` was kept, and say so when it was not."""
        if kept:
            self.kept += 1
            return
        self.broken.append(f"{words}: {found}")
        print(f"BROKEN  {words}: {found}", flush=True)
