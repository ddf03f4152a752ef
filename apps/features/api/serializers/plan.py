"""What the management API takes and tells of plans."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.publishing.models import Plan
from apps.features.api.serializers.rollout import StartRolloutSerializer


class NewPlanSerializer(StartRolloutSerializer):
    """`percent`, `roles` and `margin` belong to the action `rollout`."""

    action = serializers.ChoiceField(Plan.Action.choices, default=Plan.Action.PUBLISH)
    due_at = serializers.DateTimeField(required=False, allow_null=True)
    ask = serializers.BooleanField(default=False, help_text="A second person has to approve it.")
    percent = serializers.IntegerField(min_value=0, max_value=100, default=0)
    expected_version = None  # type: ignore[assignment]  # a plan remembers by itself what it was based on


class PlanSerializer(serializers.ModelSerializer[Plan]):
    requested_by = serializers.CharField(source="requested_by.username", default=None)
    approved_by = serializers.CharField(source="approved_by.username", default=None)
    action = serializers.ChoiceField(Plan.Action.choices)
    status = serializers.ChoiceField(Plan.Status.choices)
    options = serializers.SerializerMethodField()

    class Meta:
        model = Plan
        fields = [
            "id",
            "key",
            "action",
            "status",
            "sha256",
            "options",
            "based_on",
            "due_at",
            "note",
            "requested_by",
            "requested_at",
            "approved_by",
            "decided_at",
            "decision_note",
            "problem",
            "result_version",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.DictField())
    def get_options(self, plan: Plan) -> dict[str, Any]:
        return {name.removeprefix("rollout_"): value for name, value in plan.options.items()}


class PlanListSerializer(serializers.Serializer[None]):
    items = PlanSerializer(many=True)
    next = serializers.CharField(allow_null=True)
