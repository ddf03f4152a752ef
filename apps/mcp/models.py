"""Tool servers and the tools that were approved on them."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.publishing.canonical import sha256_of


class Server(models.Model):
    """One row is one MCP server. A stdio server is named by its id in the settings catalogue, never by a command."""

    class Transport(models.TextChoices):
        STDIO = "stdio", _("local process (from the catalogue)")

    key = models.SlugField(_("key"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    transport = models.CharField(_("transport"), max_length=20, choices=Transport.choices, default=Transport.STDIO)
    catalogue_id = models.CharField(_("catalogue entry"), max_length=64)
    timeout_seconds = models.PositiveIntegerField(_("timeout (seconds)"), default=60)
    enabled = models.BooleanField(_("enabled"), default=True)
    discovered_at = models.DateTimeField(_("tools discovered"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("tool server")
        verbose_name_plural = _("tool servers")
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.catalogue_id not in settings.MCP_STDIO_CATALOGUE:
            known = ", ".join(settings.MCP_STDIO_CATALOGUE)
            raise ValidationError({"catalogue_id": _("Unknown. The catalogue holds: %(known)s") % {"known": known}})


class Tool(models.Model):
    """One row is one tool as it was when it was approved."""

    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="tools")
    name = models.CharField(_("name"), max_length=128)
    description = models.TextField(_("description"), blank=True)
    input_schema = models.JSONField(_("input schema"), default=dict)
    output_schema = models.JSONField(_("output schema"), default=dict)
    sha256 = models.CharField(max_length=64)
    seen_sha256 = models.CharField(max_length=64)  # at the last discovery; another one blocks the tool
    allowed = models.BooleanField(_("allowed"), default=False)

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
        """Whether the server shows something else than what was approved."""
        return self.sha256 != self.seen_sha256

    def as_released(self) -> dict[str, Any]:
        """What a run needs to know and check."""
        return {"input_schema": self.input_schema, "output_schema": self.output_schema, "sha256": self.sha256}


def tool_hash(server_key: str, tool: dict[str, Any]) -> str:
    """The hash of everything about a tool that a model or a person relies on."""
    return sha256_of({"server": server_key, **tool})
