"""`/api/v1/admin/features*`: the management API."""

from typing import Any

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.errors import InvalidRequest
from apps.core.grants import permitted
from apps.core.publishing import services as publishing
from apps.features import services
from apps.features.api.permissions import MayListOrCreate, ReadEditOrDelete
from apps.features.api.serializers import FeatureListSerializer, FeatureSerializer, NewFeatureSerializer
from apps.features.models import Feature
from apps.features.publishing import SCOPE

IF_MATCH = OpenApiParameter("If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True)
STALE = (
    "412 `CORE_2007` when the draft was changed since the revision in `If-Match`: `details.revision` is today's, "
    "`details.changes` what changed, `details.edits` who changed what and when."
)


def _rendered(feature: Feature, *, status: int = 200) -> Response:
    live = publishing.live_snapshot(SCOPE, feature.key)
    heads = {feature.key: live.version} if live else {}
    body = FeatureSerializer(feature, context={"heads": heads}).data
    return Response(body, status=status, headers={"ETag": f'"{feature.revision}"'})


def _object(request: Request) -> dict[str, Any]:
    """The body. Raises `InvalidRequest` when it is no object."""
    if not isinstance(request.data, dict):
        raise InvalidRequest()
    return request.data


def _fields(request: Request, form: Any) -> dict[str, Any]:
    """The valid fields, and the unknown ones for the service to refuse by name."""
    form.is_valid(raise_exception=True)
    unknown = set(_object(request)) - set(form.validated_data)
    return {**form.validated_data, **dict.fromkeys(unknown)}


def _expected(request: Request) -> int:
    tag = request.headers.get("If-Match", "").strip().strip('"')
    if not (tag.isascii() and tag.isdigit() and len(tag) < 30):
        words = "Send If-Match with the revision you read."
        raise InvalidRequest(details={"errors": [{"pointer": "", "code": "if_match", "message": words}]})
    return int(tag)


class FeatureListView(APIView):
    """All drafts that the caller may see, and new ones."""

    permission_classes = [MayListOrCreate]

    @extend_schema(operation_id="admin_features_list", tags=["admin"], responses=FeatureListSerializer)
    def get(self, request: Request) -> Response:
        rows = permitted(Feature.objects.select_related("menu", "pipeline").prefetch_related("roles"), request.user)
        heads = publishing.live_versions(SCOPE)
        items = FeatureSerializer(rows, many=True, context={"heads": heads}).data
        return Response({"items": items, "next": None})

    @extend_schema(
        operation_id="admin_features_create",
        tags=["admin"],
        request=NewFeatureSerializer,
        responses={201: FeatureSerializer},
        description="409 `FEATURES_2082` when the key is taken.",
    )
    def post(self, request: Request) -> Response:
        form = NewFeatureSerializer(data=_object(request))
        fields = _fields(request, form)
        feature = services.create_draft(fields.pop("key"), fields, by=request.user)
        return _rendered(feature, status=201)


class FeatureView(APIView):
    """One draft; changes and deletion need the revision that was read, in `If-Match`."""

    permission_classes = [ReadEditOrDelete]

    @extend_schema(operation_id="admin_features_read", tags=["admin"], responses=FeatureSerializer)
    def get(self, request: Request, key: str) -> Response:
        return _rendered(services.draft(key))

    @extend_schema(
        operation_id="admin_features_update",
        tags=["admin"],
        parameters=[IF_MATCH],
        request=FeatureSerializer(partial=True),
        responses=FeatureSerializer,
        description=STALE + " 403 `FEATURES_2083` when `needs_approval` is changed without the right to publish.",
    )
    def patch(self, request: Request, key: str) -> Response:
        form = FeatureSerializer(services.draft(key), data=_object(request), partial=True)
        fields = _fields(request, form)
        return _rendered(services.update_draft(key, fields, expected_revision=_expected(request), by=request.user))

    @extend_schema(
        operation_id="admin_features_delete",
        tags=["admin"],
        parameters=[IF_MATCH],
        responses={204: None},
        description=STALE + " 409 `CORE_2022` while it is live, `FEATURES_2081` while a release of it is planned.",
    )
    def delete(self, request: Request, key: str) -> Response:
        services.delete_draft(key, expected_revision=_expected(request), by=request.user)
        return Response(status=204)


urlpatterns = [
    path("features", FeatureListView.as_view()),
    path("features/<slug:key>", FeatureView.as_view()),
]
