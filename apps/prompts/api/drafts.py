"""`/api/v1/admin/prompts`: drafts."""

from typing import Any

from django.db.models import Q, QuerySet
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.paging import paginate_by_number
from apps.core.publishing.usage import Use, uses_of_kind, where_used
from apps.prompts import services
from apps.prompts.api.permissions import MayListOrCreate, ReadEditOrDelete
from apps.prompts.api.requests import CURSOR, IF_MATCH, STALE, expected_revision, fields_of, object_of, refuse
from apps.prompts.api.serializers import STATUSES, NewPromptSerializer, PromptListSerializer, PromptSerializer
from apps.prompts.models import Prompt

FILTERS = [
    OpenApiParameter("q", OpenApiTypes.STR, description="In the key or the name."),
    OpenApiParameter("label", OpenApiTypes.STR, description="Only prompts with this label."),
    OpenApiParameter("status", OpenApiTypes.STR, enum=STATUSES),
]


def _status(uses: list[Use]) -> str:
    if any(use.live for use in uses):
        return "live"
    return "candidate" if any(use.candidate for use in uses) else "draft" if uses else "unused"


def _rendered(prompt: Prompt, *, status: int = 200) -> Response:
    statuses = {prompt.key: _status(where_used("prompt", prompt.key))}
    body = PromptSerializer(prompt, context={"statuses": statuses}).data
    return Response(body, status=status, headers={"ETag": f'"{prompt.revision}"'})


def _chosen(request: Request, statuses: dict[str, str]) -> QuerySet[Prompt]:
    """The rows that the filters leave. Raises `InvalidRequest` for a status that there is not."""
    rows = Prompt.objects.prefetch_related("versions", "labels__version")
    given = request.query_params
    if text := given.get("q", "").strip():
        rows = rows.filter(Q(key__icontains=text) | Q(name__icontains=text))
    if label := given.get("label", ""):
        rows = rows.filter(labels__name=label)
    if wanted := given.get("status", ""):
        if wanted not in STATUSES:
            refuse("/status", "choice", f"One of {', '.join(STATUSES)}.")
        known = [key for key, status in statuses.items() if status == wanted]
        rows = rows.exclude(key__in=statuses) if wanted == "unused" else rows.filter(key__in=known)
    return rows


class PromptListView(APIView):
    """All drafts, the newest first, and new ones."""

    permission_classes = [MayListOrCreate]

    @extend_schema(
        operation_id="admin_prompts_list",
        tags=["admin"],
        parameters=[CURSOR, *FILTERS],
        responses=PromptListSerializer,
    )
    def get(self, request: Request) -> Response:
        statuses = {key: _status(uses) for key, uses in uses_of_kind("prompt").items()}
        rows = _chosen(request, statuses)
        page = paginate_by_number(rows, field="id", cursor=request.query_params.get("cursor"))
        items = PromptSerializer(page.items, many=True, context={"statuses": statuses}).data
        return Response({"items": items, "next": page.next})

    @extend_schema(
        operation_id="admin_prompts_create",
        tags=["admin"],
        request=NewPromptSerializer,
        responses={201: PromptSerializer},
        description="409 `PROMPTS_2005` when the key is taken, 422 `PROMPTS_2004` with every mistake and its place.",
    )
    def post(self, request: Request) -> Response:
        fields = fields_of(request, NewPromptSerializer(data=object_of(request)))
        prompt = services.create_prompt(fields.pop("key"), fields, by=request.user)
        return _rendered(prompt, status=201)


class PromptView(APIView):
    """One draft; changes and deletion need the revision that was read, in `If-Match`."""

    permission_classes = [ReadEditOrDelete]

    @extend_schema(operation_id="admin_prompts_read", tags=["admin"], responses=PromptSerializer)
    def get(self, request: Request, key: str) -> Response:
        return _rendered(services.draft(key))

    @extend_schema(
        operation_id="admin_prompts_update",
        tags=["admin"],
        parameters=[IF_MATCH],
        request=PromptSerializer(partial=True),
        responses=PromptSerializer,
        description=STALE + " 422 `PROMPTS_2004` with every mistake and its place.",
    )
    def patch(self, request: Request, key: str) -> Response:
        form: Any = PromptSerializer(services.draft(key), data=object_of(request), partial=True)
        fields, revision = fields_of(request, form), expected_revision(request)
        return _rendered(services.update_prompt(key, fields, expected_revision=revision, by=request.user))

    @extend_schema(
        operation_id="admin_prompts_delete",
        tags=["admin"],
        parameters=[IF_MATCH],
        responses={204: None},
        description=STALE + " 409 `CORE_2020` with what uses it.",
    )
    def delete(self, request: Request, key: str) -> Response:
        services.delete_prompt(key, expected_revision=expected_revision(request), by=request.user)
        return Response(status=204)


urlpatterns = [
    path("prompts", PromptListView.as_view()),
    path("prompts/<slug:key>", PromptView.as_view()),
]
