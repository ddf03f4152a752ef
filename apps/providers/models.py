"""Upstream model servers, their secrets and what they offer."""

from typing import Any

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from apps.providers.usage.models import UsageDay as UsageDay  # noqa: PLC0414 - part of this face
from apps.providers.usage.models import UsageRow as UsageRow  # noqa: PLC0414

key_validator = RegexValidator(r"^[a-z0-9][a-z0-9-]*$", _("Use lower-case letters, digits and hyphens."))


PRICES = ("input", "output", "cached", "image", "call")
MICRO = 1_000_000  # micro-credits in a credit: prices of single tokens are whole numbers


def _price(name: Any) -> "models.BigIntegerField[int | None, int | None]":
    """A price in micro-credits; empty is unknown, which is not the same as nothing."""
    return models.BigIntegerField(
        name, null=True, blank=True, validators=[MinValueValidator(0)], help_text=_("In millionths of a credit.")
    )


class Endpoint(models.Model):
    """One row is one upstream server that a handler can speak to."""

    class Kind(models.TextChoices):
        DIRECT = "direct", _("model service")
        SIDECAR = "sidecar", _("gateway in between")

    key = models.SlugField(_("key"), max_length=64, unique=True, validators=[key_validator])
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices, default=Kind.DIRECT)
    handler_key = models.CharField(_("handler"), max_length=32)
    base_url = models.URLField(_("base URL"), max_length=300, blank=True)
    priority = models.IntegerField(_("priority"), default=100, help_text=_("The lowest number is tried first."))
    weight = models.PositiveIntegerField(
        _("weight"), default=100, help_text=_("Its share where calls are spread by weight; 0 for none.")
    )
    timeout_seconds = models.PositiveIntegerField(_("timeout (seconds)"), default=60)
    first_byte_seconds = models.PositiveIntegerField(
        _("patience for the first byte (seconds)"),
        default=2,
        help_text=_("Of a streamed answer; after it the next endpoint is asked. 0 for the timeout."),
    )
    max_retries = models.PositiveSmallIntegerField(_("retries"), default=1)
    max_concurrency = models.PositiveIntegerField(
        _("calls at once"), default=0, help_text=_("Over all processes; 0 for no limit.")
    )
    rpm = models.PositiveIntegerField(_("requests per minute"), default=0, help_text=_("0 for no limit."))
    tpm = models.PositiveIntegerField(_("tokens per minute"), default=0, help_text=_("0 for no limit."))
    enabled = models.BooleanField(_("enabled"), default=True)
    revision = models.PositiveIntegerField(default=1, editable=False)
    history = HistoricalRecords(cascade_delete_history=False)

    class Meta:
        verbose_name = _("model endpoint")
        verbose_name_plural = _("model endpoints")
        ordering = ["priority", "key"]

    def __str__(self) -> str:
        return self.name


class Secret(models.Model):
    """One row is the key of an endpoint, sealed. It is written and used, never read back."""

    endpoint = models.OneToOneField(Endpoint, on_delete=models.CASCADE, related_name="secret")
    blob = models.TextField()
    hint = models.CharField(max_length=12)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.hint

    @property
    def bound_to(self) -> str:
        """What the blob is bound to, so that it opens in no other row."""
        return f"providers.secret:{self.endpoint_id}:blob"


class Offer(models.Model):
    """One row is one model that an endpoint serves."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="offers")
    model = models.CharField(_("model"), max_length=120)
    capabilities = models.JSONField(_("capabilities"), default=list, help_text=_('For example ["chat"].'))
    context_window = models.PositiveIntegerField(_("context window (tokens)"), default=8192)
    max_output = models.PositiveIntegerField(
        _("longest answer (tokens)"), default=0, help_text=_("0 for what the model service allows.")
    )
    quality = models.PositiveSmallIntegerField(
        _("quality"), default=50, help_text=_("1 to 100; the highest is asked first where quality counts.")
    )
    price_input = _price(_("price of a million input tokens"))
    price_output = _price(_("price of a million output tokens"))
    price_cached = _price(_("price of a million cached input tokens"))
    price_image = _price(_("price of an image"))
    price_call = _price(_("price of a call"))
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        verbose_name = _("model")
        verbose_name_plural = _("models")
        constraints = [models.UniqueConstraint(fields=["endpoint", "model"], name="offer_once")]
        ordering = ["endpoint", "model"]

    def __str__(self) -> str:
        return self.model

    def as_released(self) -> dict[str, Any]:
        """What the runtime needs to know."""
        return {
            "model": self.model,
            "capabilities": self.capabilities,
            "context_window": self.context_window,
            "max_output": self.max_output,
            "quality": self.quality,
            "prices": {name: getattr(self, f"price_{name}") for name in PRICES},
        }
