"""What can be wrong with a folder of configuration."""

from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError
from apps.core.publishing.registry import Level


@dataclass(frozen=True)
class FileProblem:
    """One thing to mend: which file (below the folder), where in it, a stable code, words.

    An `error` forbids the import, a `warning` is only said. `line` is 0 when it is not known.
    """

    code: str
    file: str
    message: str
    pointer: str = ""
    line: int = 0
    level: Level = "error"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class FilesRefused(ApiError):
    """Raised with every problem found; nothing was changed then."""

    code, reason, status = "FEATURES_2020", "E_FILES_REFUSED", 422
    message = _("%(count)s problems in the files. Nothing was changed. See the list.")

    def __init__(self, problems: list[FileProblem]) -> None:
        super().__init__(count=len(problems), details={"problems": [problem.as_dict() for problem in problems]})
