"""What the management API takes and tells of gradual releases."""

from typing import Any

from django.contrib.auth.models import Group
from rest_framework import serializers

from apps.core.publishing.services.rollouts import DEFAULT_MARGIN
from apps.features.api.serializers.release import ReasonSerializer, SeenSerializer


class AudienceSerializer(serializers.Serializer[None]):
    """Who gets the candidate."""

    percent = serializers.IntegerField(min_value=0, max_value=100)
    roles = serializers.SlugRelatedField("name", many=True, queryset=Group.objects.all(), required=False)
    margin = serializers.IntegerField(
        min_value=0,
        max_value=100,
        allow_null=True,
        default=DEFAULT_MARGIN,
        help_text="It stops by itself when its share of failed runs is higher by more percentage points; null: never.",
    )

    def to_internal_value(self, data: Any) -> Any:
        given = super().to_internal_value(data)
        if "roles" in given:
            given["roles"] = [group.name for group in given["roles"]]
        return given


class StartRolloutSerializer(SeenSerializer, AudienceSerializer):
    pass


class ChangeRolloutSerializer(AudienceSerializer):
    note = serializers.CharField(max_length=500, required=False, allow_blank=True)


class PromoteSerializer(ReasonSerializer):
    """What the caller looked at, so that no other candidate is promoted."""

    candidate = serializers.IntegerField(
        min_value=1, required=False, allow_null=True, default=None, help_text="The candidate's version that was seen."
    )


class OutcomeSerializer(serializers.Serializer[None]):
    version = serializers.IntegerField(help_text="0: no stable version; others get nothing.")
    finished = serializers.IntegerField()
    failed = serializers.IntegerField()
    failed_share = serializers.FloatField()


class RolloutSerializer(serializers.Serializer[None]):
    """The gradual release, with how the runs of both versions went since it began."""

    running = serializers.BooleanField()
    live_version = serializers.IntegerField(allow_null=True)
    candidate_version = serializers.IntegerField(allow_null=True)
    percent = serializers.IntegerField()
    roles = serializers.ListField(child=serializers.CharField())
    margin = serializers.IntegerField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    revision = serializers.IntegerField()
    stable = OutcomeSerializer(allow_null=True)
    candidate = OutcomeSerializer(allow_null=True)
