"""`/api/v1/admin/providers/standing` and `/api/v1/admin/providers/{endpoint}/reset`."""

from dataclasses import asdict
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.errors import NotFound
from apps.core.permissions import HasPermission
from apps.providers.models import Endpoint
from apps.providers.standing import Standing, close_circuit, standings

MayRead = HasPermission.of(read="providers:read", write="providers:write")


class StandingSerializer(serializers.Serializer[None]):
    """How one endpoint stands over all processes."""

    endpoint = serializers.CharField()
    state = serializers.ChoiceField(
        ["closed", "open", "half_open", "unknown"],
        help_text="`unknown` while Redis is away.",
    )
    open_until = serializers.DateTimeField(allow_null=True)
    error_share = serializers.FloatField(allow_null=True, help_text="Of about 30 seconds; null without calls.")
    calls_lately = serializers.IntegerField()
    failed_lately = serializers.IntegerField()
    opened = serializers.IntegerField(help_text="How often the circuit opened.")
    in_flight = serializers.IntegerField()
    max_concurrency = serializers.IntegerField(help_text="0 for no limit, as rpm and tpm.")
    calls_minute = serializers.IntegerField(help_text="Counted where calls or tokens by the minute are limited.")
    rpm = serializers.IntegerField()
    tokens_minute = serializers.IntegerField()
    tpm = serializers.IntegerField()
    paused = serializers.DictField(
        child=serializers.FloatField(), help_text="Models that asked for a pause, and its rest in seconds."
    )
    first_byte_ms = serializers.DictField(child=serializers.FloatField(), help_text="Lately, by model.")
    last_error = serializers.CharField()
    last_error_at = serializers.DateTimeField(allow_null=True)


class StandingsSerializer(serializers.Serializer[None]):
    """Every endpoint."""

    items = StandingSerializer(many=True)


class ResetSerializer(serializers.Serializer[None]):
    """What it was before does not matter any more; how it stands now."""

    closed = serializers.BooleanField(help_text="Whether there was a circuit or a pause to end.")
    standing = StandingSerializer()


def _shown(standing: Standing) -> dict[str, Any]:
    told = asdict(standing) | {"error_share": standing.error_share}
    return told | {"paused": standing.paused or {}, "first_byte_ms": standing.first_byte_ms or {}}


class StandingsView(APIView):
    """State of the circuit, use of the limits, pace and last failure of every endpoint."""

    permission_classes = [MayRead]

    @extend_schema(operation_id="admin_providers_standing", tags=["admin"], responses=StandingsSerializer)
    def get(self, request: Request) -> Response:
        found = standings(Endpoint.objects.all())
        items = [_shown(standing) for standing in found.values()]
        return Response({"items": items}, headers={"Cache-Control": "no-store"})


class ResetView(APIView):
    """Close the circuit of an endpoint and end the pauses of its models: it is asked again at once."""

    permission_classes = [MayRead]

    @extend_schema(operation_id="admin_providers_reset", tags=["admin"], request=None, responses=ResetSerializer)
    def post(self, request: Request, endpoint: str) -> Response:
        row = Endpoint.objects.filter(key=endpoint).first()
        if row is None:
            raise NotFound()
        closed = close_circuit(row, by=request.user)
        return Response({"closed": closed, "standing": _shown(standings([row])[row.key])})


urlpatterns = [
    path("providers/standing", StandingsView.as_view()),
    path("providers/<slug:endpoint>/reset", ResetView.as_view()),
]
