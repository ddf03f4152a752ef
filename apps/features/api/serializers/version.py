"""What the management API tells of versions: one, many, two compared."""

from typing import Any

from rest_framework import serializers

from apps.core.publishing.models import Snapshot


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


class SnapshotListSerializer(serializers.Serializer[None]):
    items = SnapshotSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class DifferenceSerializer(serializers.Serializer[None]):
    old = serializers.IntegerField(min_value=1)
    new = serializers.IntegerField(min_value=1)


class ChangeSerializer(serializers.Serializer[None]):
    path = serializers.CharField()
    kind = serializers.ChoiceField(["added", "removed", "changed"])
    old = serializers.JSONField(allow_null=True)
    new = serializers.JSONField(allow_null=True)
    lines = serializers.ListField(child=serializers.CharField())


class ChangesSerializer(serializers.Serializer[None]):
    to = serializers.IntegerField()
    changes = ChangeSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.IntegerField(), **super().get_fields()}  # a word of Python's
