"""`/api/v1/admin/pipelines`: drafts."""

from typing import Any

from django.db.models import Q
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.paging import paginate_by_number
from apps.core.publishing.usage import Use, may_read_uses, uses_of_kind
from apps.pipelines import services
from apps.pipelines.api.bodies import object_of
from apps.pipelines.api.permissions import MayListOrCreate, ReadEditOrDelete
from apps.pipelines.api.serializers import (
    NewPipelineSerializer,
    PipelineListSerializer,
    PipelineRowSerializer,
    PipelineSerializer,
)
from apps.pipelines.models import Pipeline
from apps.prompts.api.requests import CURSOR, IF_MATCH, IF_MATCH_OPTIONAL, STALE, expected_revision, fields_of

SEARCH = OpenApiParameter("q", OpenApiTypes.STR, description="In the key or the name.")
AUTOSAVE = OpenApiParameter(
    "X-Autosave", OpenApiTypes.STR, OpenApiParameter.HEADER, description="1: the history keeps one entry for a while."
)


def _uses(request: Request) -> dict[str, list[Use]]:
    return uses_of_kind("pipeline") if may_read_uses(request.user) else {}


def _rendered(request: Request, pipeline: Pipeline, *, status: int = 200, written: bool = False) -> Response:
    context: dict[str, Any] = {"uses": _uses(request)}
    if written:
        context["problems"] = [problem.as_dict() for problem in services.problems_of(pipeline)]
    body = PipelineSerializer(pipeline, context=context).data
    if not written:
        del body["problems"]
    return Response(body, status=status, headers={"ETag": f'"{pipeline.revision}"'})


class PipelineListView(APIView):
    """All drafts without their graphs, the newest first, and new ones."""

    permission_classes = [MayListOrCreate]

    @extend_schema(
        operation_id="admin_pipelines_list",
        tags=["admin"],
        parameters=[CURSOR, SEARCH],
        responses=PipelineListSerializer,
    )
    def get(self, request: Request) -> Response:
        rows = Pipeline.objects.select_related("updated_by").defer("graph", "layout")
        if text := request.query_params.get("q", "").strip():
            rows = rows.filter(Q(key__icontains=text) | Q(name__icontains=text))
        page = paginate_by_number(rows, field="id", cursor=request.query_params.get("cursor"))
        items = PipelineRowSerializer(page.items, many=True, context={"uses": _uses(request)}).data
        return Response({"items": items, "next": page.next})

    @extend_schema(
        operation_id="admin_pipelines_create",
        tags=["admin"],
        request=NewPipelineSerializer,
        responses={201: PipelineSerializer},
        description="409 `PIPELINES_2011` when the key is taken, 422 `PIPELINES_2010` with every mistake and its "
        "place, 422 `PIPELINES_2012` with the problems of a graph that is to be ready.",
    )
    def post(self, request: Request) -> Response:
        fields = fields_of(request, NewPipelineSerializer(data=object_of(request)))
        pipeline = services.create_pipeline(fields.pop("key"), fields, by=request.user)
        return _rendered(request, pipeline, status=201, written=True)


class PipelineView(APIView):
    """One draft, by key or number; changes and deletion need the revision that was read, in `If-Match`."""

    permission_classes = [ReadEditOrDelete]

    @extend_schema(operation_id="admin_pipelines_read", tags=["admin"], responses=PipelineSerializer)
    def get(self, request: Request, key: str) -> Response:
        return _rendered(request, services.draft(key))

    @extend_schema(
        operation_id="admin_pipelines_update",
        tags=["admin"],
        parameters=[IF_MATCH_OPTIONAL, AUTOSAVE],
        request=PipelineSerializer(partial=True),
        responses=PipelineSerializer,
        description=STALE + " `details.by` and `details.at` say who and when. A change of `layout` alone needs no "
        "If-Match and is no new revision: boxes are placed one by one. 422 `PIPELINES_2010` with every mistake and its "
        "place, 422 `PIPELINES_2012` with the problems of a graph that is to be `ready`.",
    )
    def patch(self, request: Request, key: str) -> Response:
        form: Any = PipelineSerializer(services.draft(key), data=object_of(request), partial=True)
        fields = fields_of(request, form)
        if set(fields) == {"layout"}:
            return _rendered(request, services.place_boxes(key, fields["layout"]))
        autosave = request.headers.get("X-Autosave") == "1"
        revision = expected_revision(request)
        changed = services.update_pipeline(key, fields, expected_revision=revision, by=request.user, autosave=autosave)
        return _rendered(request, changed, written=True)

    @extend_schema(
        operation_id="admin_pipelines_delete",
        tags=["admin"],
        parameters=[IF_MATCH],
        responses={204: None},
        description=STALE + " 409 `CORE_2020` with what uses it.",
    )
    def delete(self, request: Request, key: str) -> Response:
        services.delete_pipeline(key, expected_revision=expected_revision(request), by=request.user)
        return Response(status=204)


urlpatterns = [
    path("pipelines", PipelineListView.as_view()),
    path("pipelines/<slug:key>", PipelineView.as_view()),
]
