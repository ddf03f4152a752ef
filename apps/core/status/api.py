"""`/api/v1/admin/config/processes`."""

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.permissions import HasPermission
from apps.core.status.fleet import fleet

MaySeeReleases = HasPermission.of(read="releases:read", write="releases:read")


class ProcessSerializer(serializers.Serializer[None]):
    id = serializers.CharField()
    role = serializers.CharField(help_text="web, worker, dispatcher, beat, server; command for what ends by itself.")
    host = serializers.CharField()
    pid = serializers.IntegerField()
    started_at = serializers.FloatField(help_text="Seconds since 1970.")
    said_at = serializers.FloatField(help_text="When the process described itself so.")
    revision = serializers.IntegerField()
    age = serializers.FloatField(help_text="Seconds since its configuration was confirmed to be current.")
    source = serializers.ChoiceField(["table", "backup", "nothing"])  # type: ignore[assignment]  # a word of DRF's
    refused = serializers.DictField(child=serializers.CharField())
    metrics = serializers.DictField()
    lasting = serializers.BooleanField(help_text="Whether a change waits for it.")


class FleetSerializer(serializers.Serializer[None]):
    """The processes that said something lately."""

    known = serializers.BooleanField(help_text="False: Redis is away, so nobody hears the processes.")
    revision = serializers.IntegerField(help_text="Of the table: what every process should serve.")
    count = serializers.IntegerField(help_text="Lasting processes.")
    behind = serializers.ListField(child=serializers.CharField())
    refused = serializers.DictField(child=serializers.CharField())
    items = ProcessSerializer(many=True)


class ProcessesView(APIView):
    """Every live process with the revision it serves and its age."""

    permission_classes = [MaySeeReleases]

    @extend_schema(operation_id="admin_config_processes", tags=["admin"], responses=FleetSerializer)
    def get(self, request: Request) -> Response:
        return Response(fleet().as_dict(), headers={"Cache-Control": "no-store"})


urlpatterns = [path("config/processes", ProcessesView.as_view())]
