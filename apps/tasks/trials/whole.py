"""Values of a trial as they are, however large."""

from typing import Any, Final

from django.utils.translation import gettext as _

from apps.core.errors import InvalidRequest, NotFound
from apps.pipelines.errors import OutputGone
from apps.tasks.models import StepRun, Task
from apps.tasks.shelf import RunShelf
from apps.tasks.trials.errors import ValueGone

SIDES: Final = ("input", "output")


def whole(task: Task, side: str, *, step: str = "", field: str | None = None) -> Any:
    """The `input` or `output` of the step with the path `step`, or of the run itself; or one `field` of it.

    Whoever calls it has looked at who asks. Raises `InvalidRequest` for another side, `NotFound` for a step or a field
    that is not there, `ValueGone` when a large value was cleaned away.
    """
    if side not in SIDES:
        words = _("This is not one of the allowed values.")
        raise InvalidRequest(details={"errors": [{"pointer": "/side", "code": "invalid", "message": words}]})
    value = _of_step(task, step, side) if step else getattr(task, side)
    if field is not None:
        if not isinstance(value, dict) or field not in value:
            raise NotFound()
        value = value[field]
    try:
        return RunShelf(task).filled(value)
    except OutputGone as exc:
        raise ValueGone() from exc


def _of_step(task: Task, path: str, side: str) -> Any:
    found = StepRun.objects.filter(task=task, path=path).first()
    if found is None:
        raise NotFound()
    return found.inputs if side == "input" else found.output
