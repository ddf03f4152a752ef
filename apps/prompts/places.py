"""Where in a text something stands, as editors count: lines and columns from 1, columns in units of UTF-16."""

from dataclasses import dataclass


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
    before = source[:at].replace("\r\n", "\n").replace("\r", "\n")
    line = before.count("\n") + 1
    rest = before.rpartition("\n")[2]
    return line, len(rest.encode("utf-16-le", "surrogatepass")) // 2 + 1
