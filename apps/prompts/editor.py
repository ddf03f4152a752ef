"""What the prompt's page in the admin hands to the editor in the browser."""

from typing import Any, TypedDict

from django.conf import settings
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import reverse

from apps.accounts.tokens import sign_access
from apps.core.error_handling import error_response
from apps.core.errors import Forbidden
from apps.core.permissions import allows, log_denied, needs
from apps.prompts.models import Prompt

FIELDS = ("system", "body", "variables")
TRIAL_RIGHTS = ("prompts:read", "providers:read")


class EditorSource(TypedDict):
    """The JSON beside the form: `frontend/src/admin/prompt/types.ts` reads it."""

    key: str | None
    model: str
    readOnly: bool
    values: dict[str, Any]
    errors: dict[str, list[str]]
    tokenUrl: str
    canTry: bool


def editor_source(user: Any, prompt: Prompt | None, *, form: BaseForm, read_only: bool) -> EditorSource:
    """What the editor has to know of `prompt`, or of a new one when there is none yet.

    Whoever may change it has the form's fields; whoever may only look has none, and is given the texts here.
    """
    shown = prompt if read_only else None
    return {
        "key": prompt.key if prompt else None,
        "model": str(prompt.model_defaults.get("model", "")) if prompt else "",
        "readOnly": read_only,
        "values": {name: getattr(shown, name) for name in FIELDS} if shown else {},
        "errors": {name: [str(words) for words in form.errors[name]] for name in FIELDS if name in form.errors},
        "tokenUrl": reverse("admin:prompts_prompt_token"),
        "canTry": allows(user, "providers:read"),
    }


@needs(*TRIAL_RIGHTS)
def token_view(request: HttpRequest) -> HttpResponse:
    """An access token of whoever is signed in, as short-lived as any: the editor calls the API with it.

    A POST, so that the page's CSRF token guards it; kept by no cache, as every view of the admin.
    """
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    user: Any = request.user
    if not all(allows(user, right) for right in TRIAL_RIGHTS):
        log_denied(request, TRIAL_RIGHTS)
        return error_response(Forbidden())
    return JsonResponse({"access": sign_access(user), "expiresIn": settings.ACCESS_TOKEN_SECONDS})
