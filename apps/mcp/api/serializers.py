"""What the management API of tool servers takes and tells. A token is taken and never told."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.paging import MAX_SIZE
from apps.mcp import tokens
from apps.mcp.models import MAX_RETRIES, MAX_SECONDS, Server, Tool
from apps.mcp.services import EDITABLE


class ServerSerializer(serializers.ModelSerializer[Server]):
    """One server, with what the last contact found."""

    token = serializers.CharField(
        write_only=True,
        required=False,
        allow_null=True,
        max_length=4000,
        help_text="Kept encrypted, never told again. null removes it. Needed again when the address changes.",
    )
    token_state = serializers.SerializerMethodField()
    token_hint = serializers.SerializerMethodField()

    class Meta:
        model = Server
        fields = [
            "key",
            "revision",
            *sorted(EDITABLE),
            "token",
            "token_state",
            "token_hint",
            "discovered_at",
            "checked_at",
            "last_error",
            "latency_ms",
            "protocol",
            "server_name",
            "server_version",
        ]
        read_only_fields = [
            "key",
            "revision",
            "discovered_at",
            "checked_at",
            "last_error",
            "latency_ms",
            "protocol",
            "server_name",
            "server_version",
        ]

    @extend_schema_field(serializers.ChoiceField(["none", "set", "unreadable"]))
    def get_token_state(self, server: Server) -> str:
        return tokens.state(server)

    def get_token_hint(self, server: Server) -> str:
        secret: Any = getattr(server, "secret", None)
        return secret.hint if secret else ""


class NewServerSerializer(ServerSerializer):
    """The same for a server that does not exist yet: its key is chosen here, once."""

    # Without the validator for uniqueness: a taken key is a conflict, and the service tells it.
    key = serializers.SlugField(max_length=64)

    class Meta(ServerSerializer.Meta):
        read_only_fields = [name for name in ServerSerializer.Meta.read_only_fields if name != "key"]


class ToolSerializer(serializers.ModelSerializer[Tool]):
    """One tool as it was approved. `is_changed` blocks it until somebody has looked at the differences."""

    address = serializers.CharField(read_only=True)
    is_changed = serializers.BooleanField(read_only=True)
    is_gone = serializers.BooleanField(read_only=True)

    class Meta:
        model = Tool
        fields = [
            "name",
            "address",
            "title",
            "description",
            "input_schema",
            "output_schema",
            "annotations",
            "sha256",
            "seen_sha256",
            "server_version",
            "allowed",
            "is_changed",
            "is_gone",
            "changed_at",
            "gone_at",
            "timeout_seconds",
            "repeatable",
            "max_retries",
        ]
        read_only_fields = fields


class ToolOptionsSerializer(serializers.Serializer[None]):
    """How a tool is called. `allowed` can only be taken away here; it is given by approving."""

    allowed = serializers.BooleanField(required=False)
    timeout_seconds = serializers.IntegerField(min_value=1, max_value=MAX_SECONDS, required=False, allow_null=True)
    repeatable = serializers.BooleanField(required=False)
    max_retries = serializers.IntegerField(min_value=0, max_value=MAX_RETRIES, required=False, allow_null=True)

    def validate_allowed(self, value: bool) -> bool:
        if value:
            raise serializers.ValidationError("Approve the tool instead.")
        return value


class ApproveSerializer(serializers.Serializer[None]):
    """What the caller looked at, so that nothing else is approved."""

    sha256 = serializers.RegexField(r"^[0-9a-f]{64}\Z", help_text="`seen_sha256` of the tool, or `to` of its diff.")


class ArgumentsSerializer(serializers.Serializer[None]):
    arguments = serializers.DictField(required=False, default=dict)


class ProbeRequestSerializer(ArgumentsSerializer):
    """With `tool`, that one is called, too."""

    tool = serializers.CharField(max_length=128, required=False, default="", allow_blank=True)


class ErrorSerializer(serializers.Serializer[None]):
    code = serializers.CharField()
    reason = serializers.CharField()
    message = serializers.CharField()
    retryable = serializers.BooleanField()
    details = serializers.DictField(help_text="`upstream`: the server's own words, without the token.")


class TrialSerializer(serializers.Serializer[None]):
    """One call by hand."""

    tool = serializers.CharField()
    ok = serializers.BooleanField()
    ms = serializers.IntegerField()
    result = serializers.JSONField(allow_null=True)
    error = ErrorSerializer(allow_null=True)
    progress = serializers.ListField(child=serializers.CharField())


class ProbeSerializer(serializers.Serializer[None]):
    """What a fresh connection found. A server that fails is an answer of 200 with `ok` false."""

    ok = serializers.BooleanField()
    token = serializers.ChoiceField(["none", "set", "unreadable"])
    open_ms = serializers.IntegerField(allow_null=True)
    list_ms = serializers.IntegerField(allow_null=True)
    protocol = serializers.CharField()
    server_name = serializers.CharField()
    server_version = serializers.CharField()
    tools = serializers.ListField(child=serializers.CharField())
    left_out = serializers.ListField(child=serializers.CharField())
    error = ErrorSerializer(allow_null=True)
    call = TrialSerializer(allow_null=True)


class ToolChangeSerializer(serializers.Serializer[None]):
    path = serializers.CharField()
    kind = serializers.ChoiceField(["added", "removed", "changed"])
    old = serializers.JSONField(allow_null=True)
    new = serializers.JSONField(allow_null=True)
    lines = serializers.ListField(child=serializers.CharField())


class ToolDiffSerializer(serializers.Serializer[None]):
    """What was approved against what the server showed last."""

    to = serializers.CharField(help_text="The hash to approve.")
    changes = ToolChangeSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.CharField(), **super().get_fields()}  # a word of Python's


class ServerListSerializer(serializers.Serializer[None]):
    items = ServerSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class ToolListSerializer(serializers.Serializer[None]):
    items = ToolSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class ServerQuerySerializer(serializers.Serializer[None]):
    """The filters of the list."""

    cursor = serializers.CharField(required=False, default="", allow_blank=True)
    size = serializers.IntegerField(min_value=1, max_value=MAX_SIZE, required=False, default=20)
    transport = serializers.ChoiceField(Server.Transport.choices, required=False)
    enabled = serializers.BooleanField(required=False, allow_null=True, default=None)
    search = serializers.CharField(required=False, default="", allow_blank=True, max_length=100)
