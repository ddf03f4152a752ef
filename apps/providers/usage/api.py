"""`/api/v1/usage`, one's own, and `/api/v1/admin/usage`, everybody's, also as a sheet."""

from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.permissions import HasPermission, SignedIn
from apps.core.sheets import sheet
from apps.providers.usage import report

SPAN_DAYS = 30
LONGEST_DAYS = 400
OWN_GROUPS = ("day", "model", "feature", "operation", "key")
MayReadUsage = HasPermission.of(read="usage:read", write="usage:read")


class SpanSerializer(serializers.Serializer[None]):
    """From one day to another, both included, in UTC; the last thirty days when nothing is said."""

    def get_fields(self) -> dict[str, Any]:
        """`from` is no name that a class body takes."""
        spread = serializers.DateField(required=False)
        return {**super().get_fields(), "from": spread, "to": serializers.DateField(required=False)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        until: date = attrs.get("to") or timezone.now().date()
        since: date = attrs.get("from") or until - timedelta(days=SPAN_DAYS - 1)
        if since > until:
            raise serializers.ValidationError({"from": [_("This day is after the last one.")]}, code="order")
        if until - since >= timedelta(days=LONGEST_DAYS):
            words = _("At most %(days)s days at once.") % {"days": LONGEST_DAYS}
            raise serializers.ValidationError({"from": [words]}, code="span")
        return {**attrs, "from": since, "to": until}


class OwnQuerySerializer(SpanSerializer):
    group = serializers.ChoiceField(choices=OWN_GROUPS, default="day")


class QuerySerializer(SpanSerializer):
    group = serializers.ChoiceField(choices=list(report.GROUPS), default="day")


class UsageLineSerializer(serializers.Serializer[report.Line]):
    name = serializers.CharField(help_text="The day, model, feature, key or user; empty for calls without one.")
    id = serializers.IntegerField(allow_null=True, help_text="Of a user or key.")
    calls = serializers.IntegerField()
    failed = serializers.IntegerField()
    cut = serializers.IntegerField(help_text="Streams that the caller ended early.")
    estimated = serializers.IntegerField(help_text="Calls whose tokens were estimated.")
    unpriced = serializers.IntegerField(help_text="Calls whose price nobody knows; they are not in `cost`.")
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cached_tokens = serializers.IntegerField()
    cost = serializers.IntegerField(help_text="Micro-credits: a millionth of a credit.")
    mean_ms = serializers.IntegerField(allow_null=True)
    p50_ms = serializers.IntegerField(allow_null=True, help_text="About; from nine classes of duration.")
    p95_ms = serializers.IntegerField(allow_null=True)


class UsageSerializer(serializers.Serializer[dict[str, Any]]):
    group = serializers.CharField()
    since = serializers.DateField()
    until = serializers.DateField()
    total = UsageLineSerializer()
    items = UsageLineSerializer(many=True, help_text="The costliest first, a thousand at the most; by day, in order.")


def _parameters(groups: Any) -> list[OpenApiParameter]:
    return [
        OpenApiParameter("group", OpenApiTypes.STR, enum=list(groups)),
        OpenApiParameter("from", OpenApiTypes.DATE, description="First day, UTC."),
        OpenApiParameter("to", OpenApiTypes.DATE, description="Last day, UTC; 400 days at the most."),
    ]


def _asked(request: Request, serializer: type[SpanSerializer]) -> dict[str, Any]:
    query = serializer(data=request.query_params)
    query.is_valid(raise_exception=True)
    given: dict[str, Any] = query.validated_data
    return given


def _answer(asked: dict[str, Any], *, user_id: int | None = None) -> Response:
    rows = report.days(asked["from"], asked["to"], user_id=user_id)
    body = {
        "group": asked["group"],
        "since": asked["from"],
        "until": asked["to"],
        "total": report.total(rows),
        "items": report.lines(rows, asked["group"]),
    }
    return Response(UsageSerializer(body).data)


class OwnUsageView(APIView):
    """What the caller asked models for, with any key, and what it cost. Some seconds old at the most."""

    permission_classes = [SignedIn]

    @extend_schema(
        operation_id="usage_read", tags=["usage"], parameters=_parameters(OWN_GROUPS), responses=UsageSerializer
    )
    def get(self, request: Request) -> Response:
        return _answer(_asked(request, OwnQuerySerializer), user_id=request.user.pk)


class UsageView(APIView):
    """What everybody asked models for, and what it cost."""

    permission_classes = [MayReadUsage]

    @extend_schema(
        operation_id="admin_usage_read",
        tags=["admin"],
        parameters=_parameters(report.GROUPS),
        responses=UsageSerializer,
    )
    def get(self, request: Request) -> Response:
        return _answer(_asked(request, QuerySerializer))


class UsageSheetView(APIView):
    """The same as CSV. No cell of it is a formula, whatever a model or a key is called."""

    permission_classes = [MayReadUsage]

    @extend_schema(
        operation_id="admin_usage_sheet",
        tags=["admin"],
        parameters=_parameters(report.GROUPS),
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponse:
        asked = _asked(request, QuerySerializer)
        lines = report.lines(report.days(asked["from"], asked["to"]), asked["group"])
        text = sheet(report.FIELDS, (list(asdict(line).values()) for line in lines))
        name = f"usage-{asked['group']}-{asked['from']}-{asked['to']}.csv"
        answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        answer["Cache-Control"] = "private, no-store"
        return answer


urlpatterns = [
    path("usage", OwnUsageView.as_view()),
    path("admin/usage", UsageView.as_view()),
    path("admin/usage.csv", UsageSheetView.as_view()),
]
