"""Tool servers, their tokens, and the tools that were approved on them."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from apps.core.publishing.canonical import sha256_of

# The characters of an HTTP header's name; nothing that could end the line.
header_validator = RegexValidator(r"^[A-Za-z0-9-]{1,64}\Z", _("Use letters, digits and hyphens."))
# Headers that carry the request itself; a token there would change what is sent.
RESERVED_HEADERS = frozenset({"host", "content-length", "content-type", "connection", "transfer-encoding", "upgrade"})
SCHEMES = {"http": ("http", "https"), "sse": ("http", "https"), "ws": ("ws", "wss")}
MAX_SECONDS = 600  # as long as one step of a task may wait
MAX_RETRIES = 5


class Server(models.Model):
    """One row is one MCP server. A stdio server is named by its id in the settings catalogue, never by a command."""

    class Transport(models.TextChoices):
        STDIO = "stdio", _("local process (from the catalogue)")
        HTTP = "http", _("streamable HTTP")
        SSE = "sse", _("HTTP with events (older servers)")
        WS = "ws", _("websocket")

    key = models.SlugField(_("key"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    transport = models.CharField(_("transport"), max_length=20, choices=Transport.choices, default=Transport.STDIO)
    catalogue_id = models.CharField(_("catalogue entry"), max_length=64, blank=True)
    url = models.CharField(
        _("URL"), max_length=500, blank=True, help_text=_("https://… or http://…; wss://… or ws://… for a websocket.")
    )
    token_header = models.CharField(
        _("token header"),
        max_length=64,
        default="Authorization",
        validators=[header_validator],
        help_text=_("In Authorization the token follows the word Bearer; in any other header it stands alone."),
    )
    timeout_seconds = models.PositiveIntegerField(
        _("timeout (seconds)"), default=60, validators=[MinValueValidator(1), MaxValueValidator(MAX_SECONDS)]
    )
    max_retries = models.PositiveSmallIntegerField(
        _("retries"),
        default=2,
        validators=[MaxValueValidator(MAX_RETRIES)],
        help_text=_("To open a connection and to list tools. A call is repeated only for a tool marked repeatable."),
    )
    pin_version = models.BooleanField(
        _("hold to the version"),
        default=True,
        help_text=_("A new version of the server blocks its tools, too, until somebody has looked."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    revision = models.PositiveIntegerField(default=1, editable=False)
    # What the last look at the server found; of no meaning to runs, and in no history.
    discovered_at = models.DateTimeField(_("tools discovered"), null=True, blank=True, editable=False)
    checked_at = models.DateTimeField(_("last contact"), null=True, blank=True, editable=False)
    last_error = models.CharField(max_length=500, blank=True, editable=False)
    latency_ms = models.PositiveIntegerField(null=True, editable=False)
    protocol = models.CharField(max_length=32, blank=True, editable=False)
    server_name = models.CharField(max_length=200, blank=True, editable=False)
    server_version = models.CharField(max_length=100, blank=True, editable=False)
    history = HistoricalRecords(
        cascade_delete_history=False,
        excluded_fields=[
            "discovered_at",
            "checked_at",
            "last_error",
            "latency_ms",
            "protocol",
            "server_name",
            "server_version",
        ],
    )

    class Meta:
        verbose_name = _("tool server")
        verbose_name_plural = _("tool servers")
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if errors := (self._local_errors() if self.is_local else self._network_errors()):
            raise ValidationError(errors)

    @property
    def is_local(self) -> bool:
        """Whether it runs as a process of this machine."""
        return self.transport == self.Transport.STDIO

    @property
    def address(self) -> str:
        """Where it is, for people."""
        return self.catalogue_id if self.is_local else self.url

    def _local_errors(self) -> dict[str, Any]:
        errors: dict[str, Any] = {}
        if self.catalogue_id not in settings.MCP_STDIO_CATALOGUE:
            known = ", ".join(settings.MCP_STDIO_CATALOGUE)
            errors["catalogue_id"] = _("Unknown. The catalogue holds: %(known)s") % {"known": known}
        if self.url:
            errors["url"] = _("A local process has no URL.")
        return errors

    def _network_errors(self) -> dict[str, Any]:
        errors: dict[str, Any] = {}
        if self.catalogue_id:
            errors["catalogue_id"] = _("Only a local process comes from the catalogue.")
        if problem := url_problem(self.url, SCHEMES.get(self.transport, ())):
            errors["url"] = problem
        if self.token_header.lower() in RESERVED_HEADERS:
            errors["token_header"] = _("This header belongs to the request itself.")
        return errors


def url_problem(url: str, schemes: tuple[str, ...]) -> Any:
    """Why `url` cannot be the address of a server, or nothing. Where it leads is checked when it is connected to."""
    if not url.isascii() or any(ord(character) <= 32 for character in url):
        return _("Write the URL in plain characters, without spaces.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return _("This is not a URL.")
    if parts.scheme not in schemes:
        return _("Begin the URL with %(schemes)s.") % {"schemes": ", ".join(f"{scheme}://" for scheme in schemes)}
    if not parts.hostname or port == 0:
        return _("This is not a URL.")
    if parts.username is not None or parts.password is not None:
        return _("Take the password out of the URL, and enter it as the token.")
    return "" if not parts.fragment else _("This is not a URL.")


class Secret(models.Model):
    """One row is the token of a server, sealed. It is written and used, never read back."""

    server = models.OneToOneField(Server, on_delete=models.CASCADE, related_name="secret")
    blob = models.TextField()
    hint = models.CharField(max_length=12)
    revision = models.PositiveIntegerField(default=1)  # kept sessions are opened anew when it grows
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.hint

    @property
    def bound_to(self) -> str:
        """What the blob is bound to, so that it opens in no other row."""
        return f"mcp.secret:{self.server_id}:blob"


class Tool(models.Model):
    """One row is one tool as it was when it was approved, and beside it what the server showed last."""

    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="tools")
    name = models.CharField(_("name"), max_length=128)
    title = models.CharField(_("title"), max_length=200, blank=True)
    description = models.TextField(_("description"), blank=True)
    input_schema = models.JSONField(_("input schema"), default=dict)
    output_schema = models.JSONField(_("output schema"), default=dict)
    annotations = models.JSONField(_("what the server says of it"), default=dict, blank=True)
    sha256 = models.CharField(max_length=64)
    server_version = models.CharField(_("version of the server"), max_length=100, blank=True)
    seen_sha256 = models.CharField(max_length=64)  # at the last discovery; another one blocks the tool
    seen = models.JSONField(default=dict, blank=True, editable=False)  # the differing tool itself, for the diff
    changed_at = models.DateTimeField(_("changed"), null=True, blank=True, editable=False)
    gone_at = models.DateTimeField(_("gone"), null=True, blank=True, editable=False)
    allowed = models.BooleanField(_("allowed"), default=False)
    timeout_seconds = models.PositiveIntegerField(
        _("timeout (seconds)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_SECONDS)],
        help_text=_("Empty: as the server."),
    )
    repeatable = models.BooleanField(
        _("repeatable"),
        default=False,
        help_text=_("Calling it twice does no harm. It is repeated only when the server says so, too."),
    )
    max_retries = models.PositiveSmallIntegerField(
        _("retries"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(MAX_RETRIES)],
        help_text=_("Empty: as the server. Only for a repeatable tool."),
    )
    history = HistoricalRecords(cascade_delete_history=False, excluded_fields=["seen"])

    class Meta:
        verbose_name = _("tool")
        verbose_name_plural = _("tools")
        constraints = [models.UniqueConstraint(fields=["server", "name"], name="tool_once")]
        ordering = ["server", "name"]

    def __str__(self) -> str:
        return self.address

    @property
    def address(self) -> str:
        """The tool's name with its server's, so that two servers' tools never shadow each other."""
        return f"{self.server.key}/{self.name}"

    @property
    def is_changed(self) -> bool:
        """Whether the server shows something else than what was approved, or is another version of itself."""
        return self.sha256 != self.seen_sha256 or self.is_other_version

    @property
    def is_other_version(self) -> bool:
        """Whether the server, held to its version, told another one last than when the tool was approved."""
        return bool(self.pinned_version and self.pinned_version != self.server.server_version)

    @property
    def pinned_version(self) -> str:
        """The version that the server has to be of, or nothing."""
        return self.server_version if self.server.pin_version else ""

    @property
    def is_gone(self) -> bool:
        """Whether the server showed it once and does so no more."""
        return self.gone_at is not None

    @property
    def says_repeatable(self) -> bool:
        """Whether the server says that a second call does no harm."""
        return bool(self.annotations.get("readOnlyHint") or self.annotations.get("idempotentHint"))

    def as_approved(self) -> dict[str, Any]:
        """Everything that a person approved, by the protocol's own names."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.input_schema,
            "outputSchema": self.output_schema,
            "annotations": self.annotations,
            "serverVersion": self.server_version,
        }

    def as_released(self) -> dict[str, Any]:
        """What a run needs to know and check."""
        known = {"input_schema": self.input_schema, "output_schema": self.output_schema, "sha256": self.sha256}
        return known | ({"server_version": self.pinned_version} if self.pinned_version else {})


def tool_hash(server_key: str, tool: dict[str, Any]) -> str:
    """The hash of everything about a tool that a model or a person relies on."""
    return sha256_of({"server": server_key, **tool})
