"""`/api/v1/admin/features*`: what publishing would do, doing it, undoing it, and the log of it."""

from typing import Any

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.config.processes import wait_until_propagated
from apps.core.errors import InvalidRequest
from apps.core.paging import paginate_by_number
from apps.core.publishing import services as publishing
from apps.core.publishing.models import Release, Snapshot
from apps.features import services
from apps.features.api.permissions import EditOrPublish, MayPublish, MayRollBack, ReadOrEdit
from apps.features.api.serializers import (
    ChangesSerializer,
    DifferenceSerializer,
    NoteSerializer,
    PreviewSerializer,
    PublishSerializer,
    ReleasedSerializer,
    ReleaseListSerializer,
    ReleaseSerializer,
    RollbackSerializer,
    SnapshotListSerializer,
    SnapshotSerializer,
    VersionSerializer,
    WithdrawnSerializer,
)
from apps.features.publishing import SCOPE

WAIT = OpenApiParameter(
    "wait",
    OpenApiTypes.STR,
    enum=["propagated"],
    description="Answer when every live process serves the change, after five seconds at most.",
)
CURSOR = OpenApiParameter("cursor", OpenApiTypes.STR, description="`next` of the page before.")


def waits(request: Request) -> bool:
    """Whether the caller asked for `?wait=propagated`. Raises `InvalidRequest` for any other wait."""
    wanted = request.query_params.get("wait", "")
    if wanted not in ("", "propagated"):
        words = "The only wait there is: propagated."
        raise InvalidRequest(details={"errors": [{"pointer": "/wait", "code": "choice", "message": words}]})
    return bool(wanted)


def propagation(key: str, *, wanted: bool) -> dict[str, Any]:
    """`{"propagation": …}` once the change of `key` has come around, or nothing."""
    head = publishing.head_of(SCOPE, key) if wanted else None
    return {"propagation": wait_until_propagated(head.revision).as_dict()} if head else {}


def _released(request: Request, release: Any) -> Response:
    """Release, and tell what is live now."""
    wanted = waits(request)
    snapshot: Snapshot = release()
    body = SnapshotSerializer(snapshot, context={"live": snapshot.version}).data
    return Response({**body, **propagation(snapshot.key, wanted=wanted)})


class PublishView(APIView):
    """Release a draft with everything it needs."""

    permission_classes = [MayPublish]

    @extend_schema(
        operation_id="admin_features_publish",
        tags=["admin"],
        parameters=[WAIT],
        request=PublishSerializer,
        responses=ReleasedSerializer,
        description="409 `CORE_2012`, `CORE_2030` (confirm the breaks), `CORE_2031` (the draft changed), `CORE_2034` "
        "(a gradual release runs), `CORE_2036` (needs a second person); 422 `CORE_2010` with the problems, `CORE_2043` "
        "where a break that is confirmed wants a note of at least 10 characters.",
    )
    def post(self, request: Request) -> Response:
        form = PublishSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return _released(request, lambda: services.publish_feature(by=request.user, **form.validated_data))


class RollbackView(APIView):
    """Make an older version live again, as a new version."""

    permission_classes = [MayRollBack]

    @extend_schema(
        operation_id="admin_features_rollback",
        tags=["admin"],
        parameters=[WAIT],
        request=RollbackSerializer,
        responses=ReleasedSerializer,
        description="404 `CORE_2011` (no such version), 409 `CORE_2032` (it was never live for everybody).",
    )
    def post(self, request: Request) -> Response:
        form = RollbackSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        return _released(
            request,
            lambda: services.rollback_feature(
                given["key"], to_version=given["version"], by=request.user, note=given["note"]
            ),
        )


class WithdrawView(APIView):
    """Take a feature off: nobody gets any version, tasks that run go on."""

    permission_classes = [MayPublish]

    @extend_schema(
        operation_id="admin_features_withdraw",
        tags=["admin"],
        parameters=[WAIT],
        request=NoteSerializer,
        responses=WithdrawnSerializer,
        description="409 `CORE_2033` when nothing is live.",
    )
    def post(self, request: Request) -> Response:
        form = NoteSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = waits(request)
        head = services.withdraw_feature(by=request.user, **form.validated_data)
        body = {"key": head.key, "live_version": head.version or None, "revision": head.revision}
        return Response({**body, **propagation(head.key, wanted=wanted)})


class PreviewView(APIView):
    """What publishing the draft would do. Nothing is written."""

    permission_classes = [EditOrPublish]

    @extend_schema(operation_id="admin_features_preview", tags=["admin"], responses=PreviewSerializer)
    def get(self, request: Request, key: str) -> Response:
        seen = publishing.preview(SCOPE, key)
        return Response(
            {
                "key": key,
                "sha256": seen.sha256,
                "live_version": seen.live_version,
                "candidate_version": seen.candidate_version,
                "needs_approval": seen.needs_approval,
                "publishable": not seen.errors,
                "problems": [problem.as_dict() for problem in seen.problems],
                "changes": [change.as_dict() for change in seen.changes],
            }
        )


class ReleasesView(APIView):
    """The log: who changed what is live, when, why, from what, to what. Newest first."""

    permission_classes = [ReadOrEdit]

    @extend_schema(
        operation_id="admin_features_releases", tags=["admin"], parameters=[CURSOR], responses=ReleaseListSerializer
    )
    def get(self, request: Request, key: str) -> Response:
        services.draft(key)
        rows = Release.objects.filter(scope=SCOPE, key=key).select_related("by")
        page = paginate_by_number(rows, field="revision", cursor=request.query_params.get("cursor"))
        return Response({"items": ReleaseSerializer(page.items, many=True).data, "next": page.next})


class VersionsView(APIView):
    """Released versions, newest first."""

    permission_classes = [ReadOrEdit]

    @extend_schema(
        operation_id="admin_features_versions", tags=["admin"], parameters=[CURSOR], responses=SnapshotListSerializer
    )
    def get(self, request: Request, key: str) -> Response:
        services.draft(key)
        live = publishing.live_snapshot(SCOPE, key)
        rows = Snapshot.objects.filter(scope=SCOPE, key=key).select_related("author").defer("body")
        page = paginate_by_number(rows, field="version", cursor=request.query_params.get("cursor"))
        items = SnapshotSerializer(page.items, many=True, context={"live": live.version if live else None}).data
        return Response({"items": items, "next": page.next})


class VersionView(APIView):
    """One released version with its content."""

    permission_classes = [ReadOrEdit]

    @extend_schema(operation_id="admin_features_version", tags=["admin"], responses=VersionSerializer)
    def get(self, request: Request, key: str, version: int) -> Response:
        snapshot = publishing.snapshot_of(SCOPE, key, version)
        live = publishing.live_snapshot(SCOPE, key)
        return Response(VersionSerializer(snapshot, context={"live": live.version if live else None}).data)


class DiffView(APIView):
    """What changed from one released version to another: `?from=1&to=2`."""

    permission_classes = [ReadOrEdit]

    @extend_schema(
        operation_id="admin_features_diff",
        tags=["admin"],
        parameters=[
            OpenApiParameter("from", OpenApiTypes.INT, required=True),
            OpenApiParameter("to", OpenApiTypes.INT, required=True),
        ],
        responses=ChangesSerializer,
    )
    def get(self, request: Request, key: str) -> Response:
        given = {"old": request.query_params.get("from"), "new": request.query_params.get("to")}
        form = DifferenceSerializer(data=given)
        form.is_valid(raise_exception=True)
        changes = publishing.diff_versions(SCOPE, key, **form.validated_data)
        told = [change.as_dict() for change in changes]
        return Response({"from": form.validated_data["old"], "to": form.validated_data["new"], "changes": told})


urlpatterns = [
    path("features/publish", PublishView.as_view()),
    path("features/rollback", RollbackView.as_view()),
    path("features/withdraw", WithdrawView.as_view()),
    path("features/<slug:key>/preview", PreviewView.as_view()),
    path("features/<slug:key>/releases", ReleasesView.as_view()),
    path("features/<slug:key>/versions", VersionsView.as_view()),
    path("features/<slug:key>/versions/<int:version>", VersionView.as_view()),
    path("features/<slug:key>/diff", DiffView.as_view()),
]
