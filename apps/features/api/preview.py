"""`POST /api/v1/admin/features/{key}/preview-link`: a link that shows a draft in a real front end."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.permissions import HasPermission, log_denied
from apps.features.models import Feature
from apps.features.preview import RIGHTS, make_link, may_preview


class MayPreview(HasPermission):
    """Whoever may change the feature, or publish it. An unknown one is refused alike to those who may do neither."""

    read = write = RIGHTS[0]

    def has_permission(self, request: Request, view: Any) -> bool:
        allowed = may_preview(request.user, Feature.objects.filter(key=view.kwargs["key"]).first())
        if not allowed:
            log_denied(request, RIGHTS)
        return allowed


class PreviewLinkSerializer(serializers.Serializer[None]):
    url = serializers.URLField()
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class PreviewLinkView(APIView):
    """A link that shows the draft for an hour to whoever has it; it ends early with its maker's rights."""

    permission_classes = [MayPreview]

    @extend_schema(
        operation_id="admin_features_preview_link",
        tags=["admin"],
        request=None,
        responses={status.HTTP_201_CREATED: PreviewLinkSerializer},
    )
    def post(self, request: Request, key: str) -> Response:
        body = PreviewLinkSerializer(make_link(key, by=request.user)).data  # type: ignore[arg-type]  # signed in
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


urlpatterns = [path("features/<slug:key>/preview-link", PreviewLinkView.as_view())]
