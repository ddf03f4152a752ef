"""`/api/v1/admin/usage/{kind}/{key}`: which features use a part."""

from dataclasses import dataclass
from typing import cast

from django.contrib.auth.models import Group
from django.db.models import Model
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.errors import Forbidden, NotFound
from apps.core.permissions import HasPermission
from apps.core.publishing.usage import Kind, where_used
from apps.features.models import MenuGroup
from apps.mcp.models import Server, Tool
from apps.pipelines.models import Pipeline
from apps.prompts.models import Prompt
from apps.providers.models import Endpoint, Offer

ReadUsage = HasPermission.of(read="features:read", write="features:read")


@dataclass(frozen=True)
class Part:
    """Where a kind of part is kept: its model, and the fields that its key names, in order."""

    model: type[Model]
    fields: tuple[str, ...] = ("key",)
    shown_by: type[Model] | None = None

    @property
    def permission(self) -> str:
        """What somebody needs to see it: the right to view it, or the row that it is a line of."""
        opts = (self.shown_by or self.model)._meta
        return f"{opts.app_label}.view_{opts.model_name}"

    def exists(self, key: str) -> bool:
        values = key.split("/", len(self.fields) - 1)
        if len(values) != len(self.fields):
            return False
        return self.model._default_manager.filter(**dict(zip(self.fields, values, strict=True))).exists()


PARTS: dict[str, Part] = {
    "prompt": Part(Prompt),
    "pipeline": Part(Pipeline),
    "tool": Part(Tool, ("server__key", "name"), shown_by=Server),
    "server": Part(Server),
    "endpoint": Part(Endpoint),
    "model": Part(Offer, ("endpoint__key", "model"), shown_by=Endpoint),
    "menu": Part(MenuGroup),
    "role": Part(Group, ("name",)),
}


class UseSerializer(serializers.Serializer[None]):
    """A feature that uses the part."""

    kind = serializers.CharField()
    key = serializers.CharField()
    title = serializers.CharField()
    url = serializers.CharField(help_text="Its page in the admin; empty when only a release is left.")
    publish_url = serializers.CharField()
    draft = serializers.BooleanField(help_text="Today's draft uses it.")
    live = serializers.IntegerField(allow_null=True, help_text="The live version, when that uses it.")
    candidate = serializers.IntegerField(allow_null=True, help_text="The version on its way, when that uses it.")
    current = serializers.BooleanField(help_text="What is live holds the part exactly as it is now.")
    menu = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField(), help_text="Whom it reaches; none: everybody.")
    only_route = serializers.BooleanField(help_text="No other endpoint or model could answer in its place.")


class UseListSerializer(serializers.Serializer[None]):
    items = UseSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class UsageView(APIView):
    """The features whose draft or release uses a part, in the order of the menu."""

    permission_classes = [ReadUsage]

    @extend_schema(
        operation_id="admin_usage",
        tags=["admin"],
        parameters=[
            OpenApiParameter("kind", OpenApiTypes.STR, OpenApiParameter.PATH, enum=sorted(PARTS)),
            OpenApiParameter(
                "key", OpenApiTypes.STR, OpenApiParameter.PATH, description="`server/tool` for a tool, `endpoint/model`"
            ),
        ],
        responses=UseListSerializer,
    )
    def get(self, request: Request, kind: str, key: str) -> Response:
        part = PARTS.get(kind)
        if part is None:
            raise NotFound()
        if not request.user.has_perm(part.permission):
            raise Forbidden()
        uses = where_used(cast(Kind, kind), key)
        if not uses and not part.exists(key):
            raise NotFound()
        return Response({"items": [use.as_dict() for use in uses], "next": None})


urlpatterns = [path("usage/<slug:kind>/<path:key>", UsageView.as_view())]
