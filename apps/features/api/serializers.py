"""What the management API of features takes and tells."""

from typing import Any

from django.contrib.auth.models import Group
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.publishing.models import Plan, Release, Snapshot
from apps.core.publishing.services.rollouts import DEFAULT_MARGIN
from apps.features import services
from apps.features.models import Feature, MenuGroup, key_validator
from apps.pipelines.models import Pipeline


class FeatureSerializer(serializers.ModelSerializer[Feature]):
    """The draft, with the live version beside it."""

    menu = serializers.SlugRelatedField("key", queryset=MenuGroup.objects.all())
    pipeline = serializers.SlugRelatedField("key", queryset=Pipeline.objects.all())
    roles = serializers.SlugRelatedField("name", many=True, queryset=Group.objects.all(), required=False)
    table = serializers.ListField(child=serializers.CharField(max_length=64), max_length=20, required=False)
    degrade = serializers.DictField(required=False)
    live_version = serializers.SerializerMethodField()

    class Meta:
        model = Feature
        fields = ["key", "revision", "live_version", "updated_at", *sorted(services.EDITABLE)]
        read_only_fields = ["key", "revision", "updated_at"]
        # Said here, because the databases' own limits differ and the contract should not.
        extra_kwargs = {
            "cost": {"min_value": 0, "max_value": 1_000_000},
            "order": {"min_value": -1_000_000, "max_value": 1_000_000},
        }

    def get_live_version(self, feature: Feature) -> int | None:
        heads: dict[str, int] = self.context.get("heads", {})
        return heads.get(feature.key)


class NewFeatureSerializer(FeatureSerializer):
    """The same for a draft that does not exist yet: its key is chosen here, once."""

    # Without the validator for uniqueness: a taken key is a conflict, and the service tells it.
    key = serializers.SlugField(max_length=64, validators=[key_validator])

    class Meta(FeatureSerializer.Meta):
        read_only_fields = ["revision", "updated_at"]


class SnapshotSerializer(serializers.ModelSerializer[Snapshot]):
    author = serializers.CharField(source="author.username", default=None)
    live = serializers.SerializerMethodField()

    class Meta:
        model = Snapshot
        fields = ["key", "version", "sha256", "author", "note", "restored_from", "created_at", "live"]
        read_only_fields = fields

    def get_live(self, snapshot: Snapshot) -> bool:
        return bool(self.context.get("live") == snapshot.version)


class VersionSerializer(SnapshotSerializer):
    """One version with its content."""

    payload = serializers.DictField()

    class Meta(SnapshotSerializer.Meta):
        fields = [*SnapshotSerializer.Meta.fields, "payload"]
        read_only_fields = fields


class PropagationSerializer(serializers.Serializer[None]):
    """How far a change has come when the answer was written."""

    complete = serializers.BooleanField(help_text="Every lasting process serves it.")
    revision = serializers.IntegerField()
    processes = serializers.IntegerField()
    behind = serializers.ListField(child=serializers.CharField())
    seconds = serializers.FloatField()


class ReleasedSerializer(SnapshotSerializer):
    """The version that is live now; `propagation` with `?wait=propagated`."""

    propagation = PropagationSerializer(required=False)

    class Meta(SnapshotSerializer.Meta):
        fields = [*SnapshotSerializer.Meta.fields, "propagation"]
        read_only_fields = fields


class WithdrawnSerializer(serializers.Serializer[None]):
    key = serializers.CharField()
    live_version = serializers.IntegerField(allow_null=True)
    revision = serializers.IntegerField()
    propagation = PropagationSerializer(required=False)


class ReleaseSerializer(serializers.ModelSerializer[Release]):
    """One change of what is live: who, when, why, from what, to what."""

    by = serializers.CharField(source="by.username", default=None)
    action = serializers.ChoiceField(Release.Action.choices)

    class Meta:
        model = Release
        fields = [
            "revision",
            "action",
            "from_version",
            "to_version",
            "candidate_version",
            "details",
            "by",
            "note",
            "at",
            "request_id",
        ]
        read_only_fields = fields


class ProblemSerializer(serializers.Serializer[None]):
    code = serializers.CharField()
    path = serializers.CharField()
    message = serializers.CharField()
    level = serializers.ChoiceField(["error", "break", "warning"])


class ChangeSerializer(serializers.Serializer[None]):
    path = serializers.CharField()
    kind = serializers.ChoiceField(["added", "removed", "changed"])
    old = serializers.JSONField(allow_null=True)
    new = serializers.JSONField(allow_null=True)
    lines = serializers.ListField(child=serializers.CharField())


class PreviewSerializer(serializers.Serializer[None]):
    """What publishing would do. Publish with these `sha256` and `live_version` to release just this."""

    key = serializers.CharField()
    sha256 = serializers.CharField()
    live_version = serializers.IntegerField(allow_null=True)
    candidate_version = serializers.IntegerField(allow_null=True)
    needs_approval = serializers.BooleanField()
    publishable = serializers.BooleanField(help_text="No problem of level error.")
    problems = ProblemSerializer(many=True)
    changes = ChangeSerializer(many=True)


class NoteSerializer(serializers.Serializer[None]):
    key = serializers.SlugField(max_length=64)
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class SeenSerializer(serializers.Serializer[None]):
    """What the caller looked at, so that nothing else is released."""

    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    confirm = serializers.BooleanField(default=False, help_text="Go through problems of level break.")
    expected_version = serializers.IntegerField(
        min_value=0, required=False, allow_null=True, help_text="The live version that was seen; 0: none."
    )
    expected_sha256 = serializers.RegexField(
        r"^[0-9a-f]{64}$", required=False, allow_blank=True, help_text="The draft that was seen, see the preview."
    )


class PublishSerializer(SeenSerializer):
    key = serializers.SlugField(max_length=64)


class RollbackSerializer(NoteSerializer):
    version = serializers.IntegerField(min_value=1)


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


class ReasonSerializer(serializers.Serializer[None]):
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


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


class FeatureListSerializer(serializers.Serializer[None]):
    items = FeatureSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class SnapshotListSerializer(serializers.Serializer[None]):
    items = SnapshotSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class ReleaseListSerializer(serializers.Serializer[None]):
    items = ReleaseSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class PlanListSerializer(serializers.Serializer[None]):
    items = PlanSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class DifferenceSerializer(serializers.Serializer[None]):
    old = serializers.IntegerField(min_value=1)
    new = serializers.IntegerField(min_value=1)


class ChangesSerializer(serializers.Serializer[None]):
    to = serializers.IntegerField()
    changes = ChangeSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.IntegerField(), **super().get_fields()}  # a word of Python's
