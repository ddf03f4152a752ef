"""`/api/v1/admin/pipelines/{key}/history` and `/diff`: what a draft was, and what has changed."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.paging import paginate_by_number
from apps.pipelines import services
from apps.pipelines.api.bodies import object_of
from apps.pipelines.api.permissions import MayRead
from apps.pipelines.api.serializers import (
    DiffRequestSerializer,
    GraphDiffSerializer,
    HistoryEntrySerializer,
    HistoryGraphSerializer,
    HistoryListSerializer,
)
from apps.pipelines.models import Pipeline
from apps.prompts.api.requests import CURSOR


class HistoryView(APIView):
    """The entries, the newest first. `n` is the number that the other addresses take."""

    permission_classes = [MayRead]

    @extend_schema(
        operation_id="admin_pipelines_history", tags=["admin"], parameters=[CURSOR], responses=HistoryListSerializer
    )
    def get(self, request: Request, key: str) -> Response:
        rows = services.history_of(services.draft(key)).defer("graph", "layout")
        page = paginate_by_number(rows, field="history_id", cursor=request.query_params.get("cursor"))
        return Response({"items": HistoryEntrySerializer(page.items, many=True).data, "next": page.next})


class HistoryEntryView(APIView):
    """One entry with its graph."""

    permission_classes = [MayRead]

    @extend_schema(operation_id="admin_pipelines_history_entry", tags=["admin"], responses=HistoryGraphSerializer)
    def get(self, request: Request, key: str, entry: int) -> Response:
        return Response(HistoryGraphSerializer(services.entry_of(services.draft(key), entry)).data)


class DiffView(APIView):
    """What differs between two entries, or between one and the draft or a graph that is not stored."""

    permission_classes = [MayRead]

    @extend_schema(
        operation_id="admin_pipelines_diff",
        tags=["admin"],
        request=DiffRequestSerializer,
        responses=GraphDiffSerializer,
    )
    def post(self, request: Request, key: str) -> Response:
        form = DiffRequestSerializer(data=object_of(request))
        form.is_valid(raise_exception=True)
        given, pipeline = form.validated_data, services.draft(key)
        old = _at(pipeline, given.get("from"))
        new = _at(pipeline, given.get("to"))
        graph, layout = given.get("graph", new.graph), given.get("layout", new.layout)
        return Response(services.compare(old.graph, graph, old_layout=old.layout, new_layout=layout))


def _at(pipeline: Pipeline, entry: int | None) -> Any:
    return pipeline if entry is None else services.entry_of(pipeline, entry)


urlpatterns = [
    path("pipelines/<slug:key>/history", HistoryView.as_view()),
    path("pipelines/<slug:key>/history/<int:entry>", HistoryEntryView.as_view()),
    path("pipelines/<slug:key>/diff", DiffView.as_view()),
]
