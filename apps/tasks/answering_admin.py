"""Questions to the staff, on the page of the run that asks them."""

import json
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_POST

from apps.core.error_handling import error_response
from apps.core.errors import ApiError, InvalidRequest
from apps.core.permissions import allows, needs
from apps.tasks.models import Question, Task
from apps.tasks.questions import ANSWER_FOR_STAFF, answer_question, open_questions
from apps.tasks.render import question
from apps.tasks.trials.services import SEE_ALL


class AnswerMixin:
    """Stands before `ModelAdmin` of tasks."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view  # type: ignore[attr-defined]  # ModelAdmin's
        own = path("<uuid:pk>/answer/", wrap(require_POST(self.answer_view)), name="tasks_task_answer")
        return [own, *super().get_urls()]  # type: ignore[misc]  # ModelAdmin's

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, obj: Any = None, **kwargs: Any) -> Any:
        if obj is not None and allows(request.user, ANSWER_FOR_STAFF):
            context["asked"] = _asked(obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)  # type: ignore[misc]  # ModelAdmin's

    @needs(SEE_ALL, ANSWER_FOR_STAFF)
    def answer_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Take the JSON `{path, answer, option}`; refusals have the shape of the API's."""
        if not (allows(request.user, SEE_ALL) and allows(request.user, ANSWER_FOR_STAFF)):
            raise PermissionDenied
        try:
            said = _said(request.body)
            answer_question(request.user, str(pk), said["path"], given=said["answer"], option=said["option"])
        except ApiError as exc:
            return error_response(exc)
        return JsonResponse({})


def _asked(task: Task) -> dict[str, Any] | None:
    """What the page's questions are drawn from; None where the staff is asked nothing."""
    language = get_language() or "en"
    found = [question(one, language) for one in open_questions(task, who=Question.Who.STAFF)]
    return {"questions": found, "url": reverse("admin:tasks_task_answer", args=[task.pk])} if found else None


def _said(body: bytes) -> dict[str, Any]:
    """Raises `InvalidRequest`."""
    try:
        said = json.loads(body)
        found = {"path": said["path"], "answer": said.get("answer", {}), "option": said.get("option", "")}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as exc:
        raise InvalidRequest() from exc
    if (
        not isinstance(found["answer"], dict)
        or not isinstance(found["path"], str)
        or not isinstance(found["option"], str)
    ):
        raise InvalidRequest()
    return found
