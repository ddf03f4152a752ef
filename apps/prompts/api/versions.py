"""`/api/v1/admin/prompts/{key}/…`: versions, what differs between them, the way back, and labels."""

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.paging import paginate_by_number
from apps.core.publishing.diff import diff
from apps.core.publishing.diff_text import diff_text
from apps.prompts import services
from apps.prompts.api.permissions import MayRead, ReadEditOrDelete, ReadOrEdit
from apps.prompts.api.requests import CURSOR, IF_MATCH_OPTIONAL, STALE, expected_revision_if_any, object_of, refuse
from apps.prompts.api.serializers import (
    LabelAnswerSerializer,
    LabelSerializer,
    PromptDiffSerializer,
    PromptNoteSerializer,
    PromptRollbackSerializer,
    PromptVersionSerializer,
    VersionListSerializer,
)
from apps.prompts.models import PromptVersion

AT = "a number, a label, or `draft`"


def _rendered(version: PromptVersion, *, status: int = 200) -> Response:
    return Response(PromptVersionSerializer(version).data, status=status)


class VersionsView(APIView):
    """Saved versions, the newest first; and a new one of the draft as it is."""

    permission_classes = [ReadOrEdit]

    @extend_schema(
        operation_id="admin_prompts_versions",
        tags=["admin"],
        parameters=[CURSOR],
        responses=VersionListSerializer,
    )
    def get(self, request: Request, key: str) -> Response:
        rows = services.versions_of(key)
        page = paginate_by_number(rows, field="number", cursor=request.query_params.get("cursor"))
        return Response({"items": PromptVersionSerializer(page.items, many=True).data, "next": page.next})

    @extend_schema(
        operation_id="admin_prompts_save_version",
        tags=["admin"],
        parameters=[IF_MATCH_OPTIONAL],
        request=PromptNoteSerializer,
        responses={201: PromptVersionSerializer},
        description=STALE + " 409 `PROMPTS_2006` when the newest version holds the same.",
    )
    def post(self, request: Request, key: str) -> Response:
        form = PromptNoteSerializer(data=object_of(request))
        form.is_valid(raise_exception=True)
        revision = expected_revision_if_any(request)
        version = services.save_version(
            key, note=form.validated_data["note"], by=request.user, expected_revision=revision
        )
        return _rendered(version, status=201)


class VersionView(APIView):
    """One version; deleting it takes its labels off, too."""

    permission_classes = [ReadEditOrDelete]

    @extend_schema(operation_id="admin_prompts_version", tags=["admin"], responses=PromptVersionSerializer)
    def get(self, request: Request, key: str, version: int) -> Response:
        return _rendered(services.version_at(key, version))

    @extend_schema(
        operation_id="admin_prompts_delete_version",
        tags=["admin"],
        responses={204: None},
        description="409 `PROMPTS_2008` with everything that names it, by its number or by a label of it.",
    )
    def delete(self, request: Request, key: str, version: int) -> Response:
        services.delete_version(key, version, by=request.user)
        return Response(status=204)


class DiffView(APIView):
    """What changed from one state to another: `?from=1&to=draft`."""

    permission_classes = [MayRead]

    @extend_schema(
        operation_id="admin_prompts_diff",
        tags=["admin"],
        parameters=[
            OpenApiParameter("from", OpenApiTypes.STR, required=True, description=AT),
            OpenApiParameter("to", OpenApiTypes.STR, required=True, description=AT),
        ],
        responses=PromptDiffSerializer,
    )
    def get(self, request: Request, key: str) -> Response:
        asked = {name: request.query_params.get(name, "") for name in ("from", "to")}
        for name, at in asked.items():
            if not at:
                refuse(f"/{name}", "required", f"Give {AT}.")
        old, new = (services.content_at(key, at) for at in asked.values())
        changes = diff(old, new)
        told = {"old": old, "new": new, "changes": [change.as_dict() for change in changes], "text": diff_text(changes)}
        return Response({**asked, **told})


class RollbackView(APIView):
    """Bring an older version back into the draft, as a new version. What is live stays as it is."""

    permission_classes = [ReadOrEdit]

    @extend_schema(
        operation_id="admin_prompts_rollback",
        tags=["admin"],
        parameters=[IF_MATCH_OPTIONAL],
        request=PromptRollbackSerializer,
        responses={201: PromptVersionSerializer},
        description=STALE + " 404 `PROMPTS_2007` for a version or label that there is not.",
    )
    def post(self, request: Request, key: str) -> Response:
        form = PromptRollbackSerializer(data=object_of(request))
        form.is_valid(raise_exception=True)
        revision = expected_revision_if_any(request)
        given = form.validated_data
        version = services.restore_version(
            key, to=given["to"], note=given["note"], by=request.user, expected_revision=revision
        )
        return _rendered(version, status=201)


class LabelView(APIView):
    """A name for one version. Moving it changes what the next release takes, not what is live."""

    permission_classes = [ReadEditOrDelete]

    @extend_schema(
        operation_id="admin_prompts_move_label",
        tags=["admin"],
        request=LabelSerializer,
        responses=LabelAnswerSerializer,
        description="422 `PROMPTS_2009` for what cannot be a label, 404 `PROMPTS_2007` without such a version.",
    )
    def put(self, request: Request, key: str, label: str) -> Response:
        form = LabelSerializer(data=object_of(request))
        form.is_valid(raise_exception=True)
        moved = services.move_label(key, label, to=form.validated_data["version"], by=request.user)
        return Response({"name": moved.name, "version": moved.version.number})

    @extend_schema(
        operation_id="admin_prompts_delete_label",
        tags=["admin"],
        responses={204: None},
        description="409 `PROMPTS_2008` with everything that names it.",
    )
    def delete(self, request: Request, key: str, label: str) -> Response:
        services.delete_label(key, label, by=request.user)
        return Response(status=204)


urlpatterns = [
    path("prompts/<slug:key>/versions", VersionsView.as_view()),
    path("prompts/<slug:key>/versions/<int:version>", VersionView.as_view()),
    path("prompts/<slug:key>/diff", DiffView.as_view()),
    path("prompts/<slug:key>/rollback", RollbackView.as_view()),
    path("prompts/<slug:key>/labels/<slug:label>", LabelView.as_view()),
]
