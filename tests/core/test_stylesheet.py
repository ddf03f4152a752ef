"""The admin's own stylesheet: one lost brace silently takes everything behind it away."""

import re
from pathlib import Path

from django.conf import settings

SHEET = Path(settings.BASE_DIR) / "static" / "paiban" / "admin.css"
NOT_CODE = re.compile(r'/\*.*?\*/|"[^"\n]*"', re.DOTALL)


def test_admin_stylesheet__every_line_at_the_margin__stands_outside_of_every_block() -> None:
    code = NOT_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), SHEET.read_text(encoding="utf-8"))

    depth, inside = 0, []
    for number, line in enumerate(code.splitlines(), start=1):
        if depth and line[:1].strip() and not line.startswith("}"):
            inside.append(number)
        depth += line.count("{") - line.count("}")

    assert inside == []
    assert depth == 0
