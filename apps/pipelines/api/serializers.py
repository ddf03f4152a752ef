"""What the management API of pipelines takes and tells."""

from typing import Any

from rest_framework import serializers

from apps.core.publishing.usage import Use
from apps.pipelines.models import Pipeline, PipelineCase, PipelinePin


class AnyField(serializers.JSONField):
    """JSON of any shape: the service judges it, and says where it is wrong."""


class PipelineUseSerializer(serializers.Serializer[None]):
    key = serializers.CharField()
    title = serializers.CharField()


class GraphProblemSerializer(serializers.Serializer[Any]):
    """One problem with its place."""

    code = serializers.CharField()
    message = serializers.CharField()
    node = serializers.CharField(help_text="the id, or empty")
    severity = serializers.CharField(help_text="error or warning")

    def get_fields(self) -> dict[str, Any]:
        """`field` is a word of the framework."""
        words = "a path below the node, or a JSON pointer into a graph that cannot be read"
        return {**super().get_fields(), "field": serializers.CharField(help_text=words)}


class PipelineRowSerializer(serializers.ModelSerializer[Pipeline]):
    """A draft in the list."""

    updated_by = serializers.CharField(source="updated_by.username", default=None, read_only=True)
    used_by = serializers.SerializerMethodField(help_text="the features that use it")

    class Meta:
        model = Pipeline
        fields = ["key", "name", "status", "revision", "updated_at", "updated_by", "used_by"]
        read_only_fields = ["key", "revision"]

    def get_used_by(self, pipeline: Pipeline) -> list[dict[str, str]]:
        uses: dict[str, list[Use]] = self.context.get("uses", {})
        return [{"key": use.key, "title": use.title} for use in uses.get(pipeline.key, [])]


class PipelineSerializer(PipelineRowSerializer):
    """A draft. The graph may be wrong; `problems` stands in the answer to a write."""

    graph = AnyField(required=False)
    layout = AnyField(required=False)
    status = serializers.CharField(required=False, help_text="draft or ready")
    problems = serializers.SerializerMethodField(help_text="in the answer to a write")

    class Meta(PipelineRowSerializer.Meta):
        fields = [*PipelineRowSerializer.Meta.fields, "graph", "layout", "problems"]

    def get_problems(self, pipeline: Pipeline) -> list[dict[str, str]] | None:
        problems: list[dict[str, str]] | None = self.context.get("problems")
        return problems


class NewPipelineSerializer(PipelineSerializer):
    """The same for a draft that does not exist yet: its key is chosen here."""

    # Without the validator for uniqueness: a taken key is a conflict, and the service tells it.
    key = serializers.SlugField(max_length=64)

    class Meta(PipelineSerializer.Meta):
        read_only_fields = ["revision"]


class PipelineListSerializer(serializers.Serializer[None]):
    items = PipelineRowSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class HistoryEntrySerializer(serializers.Serializer[Any]):
    """One entry of the history."""

    n = serializers.IntegerField(source="history_id")
    at = serializers.DateTimeField(source="history_date")
    by = serializers.CharField(source="history_user.username", default=None)
    revision = serializers.IntegerField()
    comment = serializers.CharField(source="history_change_reason", default="")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(instance)
        return {**shown, "comment": shown["comment"] or ""}


class HistoryListSerializer(serializers.Serializer[None]):
    items = HistoryEntrySerializer(many=True)
    next = serializers.CharField(allow_null=True)


class HistoryGraphSerializer(HistoryEntrySerializer):
    """One entry with what the draft was."""

    name = serializers.CharField()
    graph = AnyField()
    layout = AnyField()


class DiffRequestSerializer(serializers.Serializer[Any]):
    """Numbers of entries of the history; what is left out is the draft as it is stored. `graph` stands for `to`."""

    to = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    graph = AnyField(required=False)
    layout = AnyField(required=False)

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python."""
        start = serializers.IntegerField(required=False, allow_null=True, min_value=1)
        return {"from": start, **super().get_fields()}


class NodeChangeSerializer(serializers.Serializer[Any]):
    change = serializers.ChoiceField(["added", "removed", "changed", "moved"])

    def get_fields(self) -> dict[str, Any]:
        """`fields` is a word of the framework."""
        return {**super().get_fields(), "fields": serializers.ListField(child=serializers.CharField())}


class EdgeChangeSerializer(serializers.Serializer[None]):
    edge = AnyField()
    change = serializers.ChoiceField(["added", "removed"])


class GraphDiffSerializer(serializers.Serializer[None]):
    """By node, edge by edge, and the names of other settings that differ (`limits.seconds`, `variables.tone`)."""

    nodes = serializers.DictField(child=NodeChangeSerializer())
    edges = EdgeChangeSerializer(many=True)
    settings = serializers.ListField(child=serializers.CharField())


class PipelineCaseSerializer(serializers.ModelSerializer[PipelineCase]):
    """One case: an input, what stands in for nodes, and checks of the result."""

    input = AnyField(required=False)
    pins = AnyField(required=False, help_text="names of pins by node")
    mocks = AnyField(required=False, help_text="outputs by node")
    checks = AnyField(required=False)

    class Meta:
        model = PipelineCase
        fields = ["id", "revision", "name", "input", "pins", "mocks", "checks", "gated"]
        read_only_fields = ["id", "revision"]


class PipelineCaseListSerializer(serializers.Serializer[None]):
    items = PipelineCaseSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class PinSerializer(serializers.ModelSerializer[PipelinePin]):
    """One output of a node, kept for trials."""

    output = AnyField()
    files = AnyField(required=False)
    by = serializers.CharField(source="by.username", default=None, read_only=True)

    class Meta:
        model = PipelinePin
        fields = ["id", "node", "name", "output", "files", "sha256", "by", "created_at"]
        read_only_fields = ["id", "sha256", "created_at"]


class PinListSerializer(serializers.Serializer[None]):
    items = PinSerializer(many=True)
    next = serializers.CharField(allow_null=True)
