"""What the management API of prompts takes and tells."""

from typing import Any

from rest_framework import serializers

from apps.prompts.models import CaseRun, Prompt, PromptCase, PromptVersion
from apps.prompts.services import EDITABLE
from apps.prompts.services.cases import EDITABLE as CASE_FIELDS

MAX_TEXT = 1_000_000  # what is longer than a template may be is refused with its pointer; this is beyond all reason
LARGEST_INTEGER = 2_147_483_647  # of the databases' integer columns
STATUSES = ["live", "candidate", "draft", "unused"]


class AnyField(serializers.JSONField):
    """JSON of any shape: the service judges it, and says where it is wrong."""


class PromptSerializer(serializers.ModelSerializer[Prompt]):
    """The draft, its newest version, its labels, and whether something released holds it."""

    system = serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=MAX_TEXT, required=False)
    body = serializers.CharField(trim_whitespace=False, max_length=MAX_TEXT)
    variables = AnyField(required=False)
    model_defaults = AnyField(required=False)
    status = serializers.SerializerMethodField(help_text="live, candidate, draft or unused, by what uses it")
    version = serializers.SerializerMethodField(help_text="the newest saved version, or null")
    labels = serializers.SerializerMethodField(help_text="version numbers by label")

    class Meta:
        model = Prompt
        fields = ["key", "revision", "status", "version", "labels", *sorted(EDITABLE)]
        read_only_fields = ["key", "revision"]
        extra_kwargs = {
            "gate_share": {"max_value": 100},
            "gate_p95_ms": {"max_value": LARGEST_INTEGER},
            "gate_cost_micro": {"max_value": 10**15},
        }

    def get_status(self, prompt: Prompt) -> str:
        statuses: dict[str, str] = self.context.get("statuses", {})
        return statuses.get(prompt.key, "unused")

    def get_version(self, prompt: Prompt) -> int | None:
        return max((version.number for version in prompt.versions.all()), default=None)

    def get_labels(self, prompt: Prompt) -> dict[str, int]:
        return {label.name: label.version.number for label in prompt.labels.all()}


class NewPromptSerializer(PromptSerializer):
    """The same for a draft that does not exist yet: its key is chosen here."""

    # Without the validator for uniqueness: a taken key is a conflict, and the service tells it.
    key = serializers.SlugField(max_length=64)

    class Meta(PromptSerializer.Meta):
        read_only_fields = ["revision"]


class PromptListSerializer(serializers.Serializer[None]):
    items = PromptSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class PromptVersionSerializer(serializers.ModelSerializer[PromptVersion]):
    """One version with its content."""

    author = serializers.CharField(source="author.username", default=None)
    labels = serializers.SerializerMethodField()
    variables = AnyField(read_only=True)

    class Meta:
        model = PromptVersion
        fields = ["number", "note", "author", "created_at", "restored_from", "sha256", "labels"]
        fields += ["system", "body", "variables"]
        read_only_fields = fields

    def get_labels(self, version: PromptVersion) -> list[str]:
        return sorted(label.name for label in version.labels.all())


class VersionListSerializer(serializers.Serializer[None]):
    items = PromptVersionSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class PromptNoteSerializer(serializers.Serializer[None]):
    note = serializers.CharField(max_length=500, allow_blank=True, default="")


class PromptRollbackSerializer(PromptNoteSerializer):
    to = serializers.CharField(max_length=64, help_text="a number or a label")


class LabelSerializer(serializers.Serializer[None]):
    version = serializers.IntegerField(min_value=1, max_value=LARGEST_INTEGER)


class LabelAnswerSerializer(serializers.Serializer[None]):
    name = serializers.CharField()
    version = serializers.IntegerField()


class ContentSerializer(serializers.Serializer[None]):
    system = serializers.CharField()
    body = serializers.CharField()
    variables = AnyField()


class PromptChangeSerializer(serializers.Serializer[None]):
    path = serializers.CharField()
    kind = serializers.ChoiceField(["added", "removed", "changed"])
    old = AnyField(allow_null=True)
    new = AnyField(allow_null=True)
    lines = serializers.ListField(child=serializers.CharField())


class PromptDiffSerializer(serializers.Serializer[Any]):
    """Both contents, the structural changes, and the same line by line."""

    old = ContentSerializer()
    new = ContentSerializer()
    changes = PromptChangeSerializer(many=True)
    text = serializers.ListField(child=serializers.CharField())

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python."""
        return {"from": serializers.CharField(), "to": serializers.CharField(), **super().get_fields()}


class PromptPreviewRequestSerializer(serializers.Serializer[None]):
    key = serializers.SlugField(max_length=64, required=False, default="", allow_blank=True)
    system = serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=MAX_TEXT, default="")
    body = serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=MAX_TEXT, default="")
    variables = AnyField(required=False)
    values = serializers.DictField(child=AnyField(allow_null=True), default=dict)
    model = serializers.CharField(max_length=200, allow_blank=True, default="")


class MistypedSerializer(serializers.Serializer[None]):
    name = serializers.CharField()
    expected = serializers.CharField()
    given = serializers.CharField()


class FindingSerializer(serializers.Serializer[Any]):
    """One problem with its place; `pointer` leads into the list of variables."""

    code = serializers.CharField()
    level = serializers.ChoiceField(["error", "warning"])
    message = serializers.CharField()
    line = serializers.IntegerField()
    column = serializers.IntegerField()
    endLine = serializers.IntegerField()  # noqa: N815 - the contract's word
    endColumn = serializers.IntegerField()  # noqa: N815 - the contract's word
    pointer = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        """`field` is a word of the framework."""
        return {**super().get_fields(), "field": serializers.ChoiceField(["system", "body", "variables"])}


class OriginSerializer(serializers.Serializer[Any]):
    """Where an included text stands in what was rendered, in units of UTF-16; inner ones lie within outer ones."""

    key = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()

    def get_fields(self) -> dict[str, Any]:
        """`field` is a word of the framework."""
        return {**super().get_fields(), "field": serializers.ChoiceField(["system", "body"])}


class PromptTokensSerializer(serializers.Serializer[None]):
    system = serializers.IntegerField()
    body = serializers.IntegerField()
    total = serializers.IntegerField()
    by = serializers.ChoiceField(["estimate"])


class PriceSerializer(serializers.Serializer[None]):
    model = serializers.CharField()
    input_micro = serializers.IntegerField(help_text="micro-credits")


class PromptPreviewSerializer(serializers.Serializer[None]):
    system = serializers.CharField()
    body = serializers.CharField()
    missingVars = serializers.ListField(child=serializers.CharField())  # noqa: N815 - the contract's word
    unused = serializers.ListField(child=serializers.CharField())
    mistyped = MistypedSerializer(many=True)
    problems = FindingSerializer(many=True)
    origins = OriginSerializer(many=True)
    tokens = PromptTokensSerializer()
    price = PriceSerializer(allow_null=True)


class FilterWordSerializer(serializers.Serializer[None]):
    name = serializers.CharField()
    signature = serializers.CharField()
    help = serializers.CharField()


class TagWordSerializer(serializers.Serializer[None]):
    name = serializers.CharField()
    help = serializers.CharField()


class IncludableSerializer(serializers.Serializer[None]):
    key = serializers.CharField()
    name = serializers.CharField()
    variables = AnyField()
    versions = serializers.ListField(child=serializers.IntegerField())
    labels = serializers.DictField(child=serializers.IntegerField())


class WordsSerializer(serializers.Serializer[None]):
    filters = FilterWordSerializer(many=True)
    tags = TagWordSerializer(many=True)
    types = serializers.ListField(child=serializers.CharField())
    prompts = IncludableSerializer(many=True)


class CaseSerializer(serializers.ModelSerializer[PromptCase]):
    """One saved case: values for the variables, and checks of the answer."""

    values = AnyField(required=False)
    checks = AnyField()

    class Meta:
        model = PromptCase
        fields = ["id", "revision", *sorted(CASE_FIELDS)]
        read_only_fields = ["id", "revision"]


class CaseListSerializer(serializers.Serializer[None]):
    items = CaseSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class RunCasesSerializer(serializers.Serializer[None]):
    model = serializers.CharField(max_length=200, allow_blank=True, default="")
    at = serializers.CharField(
        max_length=64, allow_blank=True, default="", help_text="a number or a label; empty: the draft"
    )


class CaseRunSerializer(serializers.ModelSerializer[CaseRun]):
    """A run: how far it is, and what came of it, case by case. The figures are there once it has finished."""

    by = serializers.CharField(source="by.username", default=None)
    reasons = serializers.ListField(child=serializers.CharField())
    results = AnyField(source="results_so_far")
    error = AnyField(help_text="What broke it off: code, reason, message, retryable; null for other ends.")

    class Meta:
        model = CaseRun
        fields = ["id", "reference", "version", "model", "status", "total", "done"]
        fields += ["passed", "share", "p95_ms", "cost_micro", "reasons", "error"]
        fields += ["content_sha256", "by", "created_at", "started_at", "ended_at", "results"]
        read_only_fields = fields


class CaseRunListSerializer(serializers.Serializer[None]):
    items = CaseRunSerializer(many=True)
    next = serializers.CharField(allow_null=True)
