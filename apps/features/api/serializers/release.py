"""What the management API takes to release, and tells of what was released."""

from rest_framework import serializers

from apps.core.publishing.models import Release
from apps.features.api.serializers.version import ChangeSerializer, SnapshotSerializer


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


class ReleaseListSerializer(serializers.Serializer[None]):
    items = ReleaseSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class ProblemSerializer(serializers.Serializer[None]):
    code = serializers.CharField()
    path = serializers.CharField()
    message = serializers.CharField()
    level = serializers.ChoiceField(["error", "break", "warning"])
    needs_note = serializers.BooleanField(
        required=False, help_text="Confirmed only with a note of at least 10 characters that says why."
    )
    remedy = serializers.CharField(required=False, help_text="What mends it.")
    link = serializers.CharField(required=False, help_text="The page of the CMS where that is done.")


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


class ReasonSerializer(serializers.Serializer[None]):
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class SeenSerializer(serializers.Serializer[None]):
    """What the caller looked at, so that nothing else is released."""

    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    confirm = serializers.BooleanField(
        default=False,
        help_text="Go through problems of level break; those with `needs_note` want a note that says why.",
    )
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
