"""`/api/v1/admin/features*`: the management API."""

from typing import Any

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.errors import InvalidRequest
from apps.core.grants import permitted
from apps.core.permissions import HasPermission
from apps.core.publishing import services as publishing
from apps.core.publishing.models import Snapshot
from apps.features import services
from apps.features.api_preview import PreviewLinkView
from apps.features.models import Feature
from apps.features.publishing import SCOPE


def _named(request: Request, view: APIView) -> Feature | None:
    """The one feature that a call is about, by its address or its body."""
    body = request.data if isinstance(request.data, dict) else {}
    key = view.kwargs.get("key") or body.get("key")
    return Feature.objects.filter(key=key).first() if isinstance(key, str) else None


MayList = HasPermission.of(read="features:read", write="features:create", model=Feature)
ReadOrEdit = HasPermission.of(read="features:read", write="features:write", find=_named)
MayPublish = HasPermission.of(read="features:publish", write="features:publish", find=_named)
MayRollBack = HasPermission.of(read="features:rollback", write="features:rollback", find=_named)
IF_MATCH = OpenApiParameter("If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True)


class FeatureSerializer(serializers.ModelSerializer[Feature]):
    """The draft, with the live version beside it."""

    menu = serializers.CharField(source="menu.key", read_only=True)
    pipeline = serializers.CharField(source="pipeline.key", read_only=True)
    roles = serializers.SlugRelatedField("name", many=True, read_only=True)  # type: ignore[var-annotated]
    live_version = serializers.SerializerMethodField()

    class Meta:
        model = Feature
        fields = [
            "key",
            "menu",
            "pipeline",
            "roles",
            "revision",
            "live_version",
            "updated_at",
            *sorted(services.EDITABLE),
        ]
        read_only_fields = ["key", "revision", "updated_at"]
        # Said here, because the databases' own limits differ and the contract should not.
        extra_kwargs = {
            "cost": {"min_value": 0, "max_value": 1_000_000},
            "order": {"min_value": -1_000_000, "max_value": 1_000_000},
        }

    def get_live_version(self, feature: Feature) -> int | None:
        heads: dict[str, int] = self.context.get("heads", {})
        return heads.get(feature.key)


class SnapshotSerializer(serializers.ModelSerializer[Snapshot]):
    author = serializers.CharField(source="author.username", default=None)
    live = serializers.SerializerMethodField()

    class Meta:
        model = Snapshot
        fields = ["key", "version", "sha256", "author", "note", "restored_from", "created_at", "live"]
        read_only_fields = fields

    def get_live(self, snapshot: Snapshot) -> bool:
        return bool(self.context.get("live") == snapshot.version)


class FeatureListSerializer(serializers.Serializer[None]):
    items = FeatureSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class SnapshotListSerializer(serializers.Serializer[None]):
    items = SnapshotSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class PublishSerializer(serializers.Serializer[None]):
    key = serializers.SlugField()
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class RollbackSerializer(PublishSerializer):
    version = serializers.IntegerField(min_value=1)


def _rendered(feature: Feature) -> Response:
    live = publishing.live_snapshot(SCOPE, feature.key)
    heads = {feature.key: live.version} if live else {}
    body = FeatureSerializer(feature, context={"heads": heads}).data
    return Response(body, headers={"ETag": f'"{feature.revision}"'})


class FeatureListView(APIView):
    """All drafts that the caller may see."""

    permission_classes = [MayList]

    @extend_schema(operation_id="admin_features_list", tags=["admin"], responses=FeatureListSerializer)
    def get(self, request: Request) -> Response:
        rows = permitted(Feature.objects.select_related("menu", "pipeline").prefetch_related("roles"), request.user)
        heads = publishing.live_versions(SCOPE)
        items = FeatureSerializer(rows, many=True, context={"heads": heads}).data
        return Response({"items": items, "next": None})


class FeatureView(APIView):
    """One draft; changes need the revision that was read, in `If-Match`."""

    permission_classes = [ReadOrEdit]

    @extend_schema(operation_id="admin_features_read", tags=["admin"], responses=FeatureSerializer)
    def get(self, request: Request, key: str) -> Response:
        return _rendered(services.draft(key))

    @extend_schema(
        operation_id="admin_features_update",
        tags=["admin"],
        parameters=[IF_MATCH],
        request=FeatureSerializer(partial=True),
        responses=FeatureSerializer,
    )
    def patch(self, request: Request, key: str) -> Response:
        if not isinstance(request.data, dict):
            raise InvalidRequest()
        form = FeatureSerializer(services.draft(key), data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        unknown = set(request.data) - set(form.validated_data)
        changes: dict[str, Any] = {**form.validated_data, **dict.fromkeys(unknown)}
        feature = services.update_draft(key, changes, expected_revision=_expected(request), by=request.user)
        return _rendered(feature)


def _expected(request: Request) -> int:
    tag = request.headers.get("If-Match", "").strip().strip('"')
    if not (tag.isascii() and tag.isdigit() and len(tag) < 30):
        words = "Send If-Match with the revision you read."
        raise InvalidRequest(details={"errors": [{"pointer": "", "code": "if_match", "message": words}]})
    return int(tag)


class PublishView(APIView):
    """Release a draft with everything it needs."""

    permission_classes = [MayPublish]

    @extend_schema(
        operation_id="admin_features_publish",
        tags=["admin"],
        request=PublishSerializer,
        responses=SnapshotSerializer,
    )
    def post(self, request: Request) -> Response:
        form = PublishSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        snapshot = services.publish_feature(by=request.user, **form.validated_data)
        return Response(SnapshotSerializer(snapshot, context={"live": snapshot.version}).data)


class RollbackView(APIView):
    """Make an older version live again."""

    permission_classes = [MayRollBack]

    @extend_schema(
        operation_id="admin_features_rollback",
        tags=["admin"],
        request=RollbackSerializer,
        responses=SnapshotSerializer,
    )
    def post(self, request: Request) -> Response:
        form = RollbackSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        snapshot = services.rollback_feature(
            given["key"], to_version=given["version"], by=request.user, note=given["note"]
        )
        return Response(SnapshotSerializer(snapshot, context={"live": snapshot.version}).data)


class VersionsView(APIView):
    """Released versions, newest first."""

    permission_classes = [ReadOrEdit]

    @extend_schema(operation_id="admin_features_versions", tags=["admin"], responses=SnapshotListSerializer)
    def get(self, request: Request, key: str) -> Response:
        services.draft(key)
        live = publishing.live_snapshot(SCOPE, key)
        context = {"live": live.version if live else None}
        items = SnapshotSerializer(publishing.versions(SCOPE, key), many=True, context=context).data
        return Response({"items": items, "next": None})


class DiffSerializer(serializers.Serializer[None]):
    old = serializers.IntegerField(min_value=1)
    new = serializers.IntegerField(min_value=1)


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
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, key: str) -> Response:
        form = DiffSerializer(data={"old": request.query_params.get("from"), "new": request.query_params.get("to")})
        form.is_valid(raise_exception=True)
        changes = publishing.diff_versions(SCOPE, key, **form.validated_data)
        return Response(
            {
                "from": form.validated_data["old"],
                "to": form.validated_data["new"],
                "changes": [c.as_dict() for c in changes],
            }
        )


urlpatterns = [
    path("features", FeatureListView.as_view()),
    path("features/publish", PublishView.as_view()),
    path("features/rollback", RollbackView.as_view()),
    path("features/<slug:key>", FeatureView.as_view()),
    path("features/<slug:key>/versions", VersionsView.as_view()),
    path("features/<slug:key>/diff", DiffView.as_view()),
    path("features/<slug:key>/preview-link", PreviewLinkView.as_view()),
]
