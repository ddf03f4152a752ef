"""`/api/v1/admin/features/{key}/rollout*`: release to some first."""

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.publishing import services as publishing
from apps.core.publishing.errors import NoRollout
from apps.features import services
from apps.features.api.permissions import MayPublish, ReadOrPublish
from apps.features.api.serializers import (
    ChangeRolloutSerializer,
    PromoteSerializer,
    ReasonSerializer,
    RolloutSerializer,
    StartRolloutSerializer,
)
from apps.features.publishing import SCOPE
from apps.features.rollout import rollout_of


def _told(key: str, *, status: int = 200) -> Response:
    return Response(rollout_of(publishing.head_of(SCOPE, key)).as_dict(), status=status)


class RolloutView(APIView):
    """The gradual release of a feature."""

    permission_classes = [ReadOrPublish]

    @extend_schema(operation_id="admin_features_rollout", tags=["admin"], responses=RolloutSerializer)
    def get(self, request: Request, key: str) -> Response:
        services.draft(key)
        return _told(key)

    @extend_schema(
        operation_id="admin_features_rollout_start",
        tags=["admin"],
        request=StartRolloutSerializer,
        responses={201: RolloutSerializer},
        description="Serve the draft to a share of people and to some roles. Refused as publishing is; 409 "
        "`CORE_2034` when one runs already, `CORE_2041` when the draft is what is live.",
    )
    def post(self, request: Request, key: str) -> Response:
        form = StartRolloutSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        live = given.pop("expected_version", None)
        publishing.start_rollout(SCOPE, key, by=request.user, expected_live=live, **given)
        return _told(key, status=201)

    @extend_schema(
        operation_id="admin_features_rollout_change",
        tags=["admin"],
        request=ChangeRolloutSerializer(partial=True),
        responses=RolloutSerializer,
        description="Change the share, the roles or the margin; what is not named stays. 409 `CORE_2035` when none "
        "is running.",
    )
    def patch(self, request: Request, key: str) -> Response:
        form = ChangeRolloutSerializer(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        head = publishing.head_of(SCOPE, key)
        if head is None or head.candidate is None:
            raise NoRollout()
        now = {"percent": head.rollout_percent, "roles": head.rollout_roles}
        publishing.change_rollout(SCOPE, key, by=request.user, **{**now, **form.validated_data})
        return _told(key)

    @extend_schema(
        operation_id="admin_features_rollout_stop",
        tags=["admin"],
        request=ReasonSerializer,
        responses=RolloutSerializer,
        description="Everybody gets the stable version again. 409 `CORE_2035` when none is running.",
    )
    def delete(self, request: Request, key: str) -> Response:
        form = ReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        publishing.stop_rollout(SCOPE, key, by=request.user, note=form.validated_data["note"])
        return _told(key)


class PromoteView(APIView):
    """The candidate becomes the version for everybody."""

    permission_classes = [MayPublish]

    @extend_schema(
        operation_id="admin_features_rollout_promote",
        tags=["admin"],
        request=PromoteSerializer,
        responses=RolloutSerializer,
        description="409 `CORE_2035` when none is running, `CORE_2012` when another candidate runs than `candidate`.",
    )
    def post(self, request: Request, key: str) -> Response:
        form = PromoteSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        publishing.promote_rollout(SCOPE, key, by=request.user, **form.validated_data)
        return _told(key)


urlpatterns = [
    path("features/<slug:key>/rollout", RolloutView.as_view()),
    path("features/<slug:key>/rollout/promote", PromoteView.as_view()),
]
