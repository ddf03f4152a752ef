"""Where in a text something stands, as editors count: lines and columns from 1, columns in units of UTF-16."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_LINE_END: Final = re.compile(r"\r\n?|\n")


@dataclass(frozen=True)
class Place:
    """A stretch of one text. `end_column` is the column behind the last character."""

    line: int
    column: int
    end_line: int
    end_column: int

    def as_dict(self) -> dict[str, int]:
        return {
            "line": self.line,
            "column": self.column,
            "endLine": self.end_line,
            "endColumn": self.end_column,
        }


START = Place(1, 1, 1, 1)


def place_of(source: str, start: int, length: int = 1) -> Place:
    """The place of `length` characters from `start`; never beyond the end of `source`."""
    start = max(0, min(start, len(source)))
    end = min(start + length, len(source))
    return Place(*_line_and_column(source, start), *_line_and_column(source, end))


def _line_and_column(source: str, at: int) -> tuple[int, int]:
    starts = _line_starts(source)
    line = bisect_right(starts, at)
    rest = source[starts[line - 1] : at]
    return line, len(rest.encode("utf-16-le", "surrogatepass")) // 2 + 1


@lru_cache(maxsize=4)
def _line_starts(source: str) -> list[int]:
    """Where each line begins. Many places of one text are asked for one after the other."""
    return [0, *(found.end() for found in _LINE_END.finditer(source))]
