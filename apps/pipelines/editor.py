"""What the pipeline's page in the admin hands to the editor in the browser."""

import json
from typing import Any, Final

from django.conf import settings
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import reverse
from django.utils.translation import get_language

from apps.accounts.tokens import sign_access
from apps.core.error_handling import error_response
from apps.core.errors import Forbidden
from apps.core.permissions import allows, log_denied, needs
from apps.pipelines.models import Pipeline
from apps.pipelines.services import feature_of

ROOT: Final = "/api/v1/admin/pipelines"
RIGHT: Final = "pipelines:read"


def editor_source(
    user: Any, pipeline: Pipeline | None, *, form: BaseForm | None = None, read_only: bool
) -> dict[str, Any]:
    """The JSON beside the form, of `pipeline` or of a new one; `frontend/src/admin/flow/types.ts` reads it.

    A form that was refused shows what was sent.
    """
    feature = feature_of(pipeline.key) if pipeline else None
    return {
        "id": pipeline.pk if pipeline else None,
        "key": pipeline.key if pipeline else "",
        "readOnly": read_only,
        "canRun": allows(user, "pipelines:write"),
        "canRunReal": allows(user, "pipelines:run"),
        "revision": pipeline.revision if pipeline else 0,
        "status": pipeline.status if pipeline else "draft",
        "graph": _graph(pipeline, form),
        "layout": pipeline.layout if pipeline else {},
        "feature": feature,
        "tokenUrl": reverse("admin:pipelines_pipeline_token"),
        "urls": _urls(pipeline.key if pipeline else ""),
        "language": "zh-hans" if (get_language() or "").startswith("zh") else "en",
        "fallback": "id_graph",
    }


def _graph(pipeline: Pipeline | None, form: BaseForm | None) -> Any:
    if form is not None and form.is_bound and "graph" in form.fields:
        try:
            return json.loads(form["graph"].value() or "{}")
        except (TypeError, ValueError, RecursionError):
            pass  # the field shows what it was; the canvas what is stored
    return pipeline.graph if pipeline else {}


def _urls(key: str) -> dict[str, str]:
    """The addresses of the API; of a pipeline that does not exist yet, those of all."""
    own = f"{ROOT}/{key}" if key else ROOT
    return {
        "draft": own,
        **{word: f"{ROOT}/{word}" for word in ("nodes", "parts", "describe", "validate")},
        **{word: f"{own}/{word}" if key else "" for word in ("diff", "history", "test", "pins", "cases")},
        "trials": "/api/v1/admin/trials",
    }


@needs(RIGHT)
def token_view(request: HttpRequest) -> HttpResponse:
    """An access token of whoever is signed in, as short-lived as any: the editor calls the API with it.

    A POST, so that the page's CSRF token guards it; kept by no cache, as every view of the admin.
    """
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    user: Any = request.user
    if not allows(user, RIGHT):
        log_denied(request, [RIGHT])
        return error_response(Forbidden())
    return JsonResponse({"access": sign_access(user), "expiresIn": settings.ACCESS_TOKEN_SECONDS})
