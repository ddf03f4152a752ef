"""Upstream model servers, their secrets and what they offer."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from apps.providers.usage.models import UsageDay as UsageDay  # noqa: PLC0414 - part of this face
from apps.providers.usage.models import UsageRow as UsageRow  # noqa: PLC0414


def check_plain(address: str) -> None:
    """Raises `ValidationError` for an address with a name or a password in it, which would be shown to everybody."""
    if "@" in address.partition("://")[2].partition("/")[0]:
        words = _("Leave name and password out of the address. What it asks for is entered as the key.")
        raise ValidationError(words, code="invalid")


key_validator = RegexValidator(r"^[a-z0-9][a-z0-9-]*$", _("Use lower-case letters, digits and hyphens."))

# Words that stand where an endpoint's key does in the addresses of the API.
RESERVED = frozenset({"test", "standing", "prices"})
# What a model can do, as routes ask for it.
CAPABILITIES = {
    "chat": _("chat"),
    "completion": _("completion"),
    "embedding": _("embedding"),
    "image": _("image generation"),
    "vision": _("vision (images in)"),
    "tools": _("tool calls"),
    "json": _("JSON mode"),
}


def validate_capabilities(value: Any) -> None:
    """A list of known capabilities, each once. Raises `ValidationError`."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValidationError(_("List capabilities by name."), code="invalid")
    unknown = sorted(set(value) - set(CAPABILITIES))
    if unknown or len(set(value)) != len(value):
        words = _("Unknown or twice: %(names)s. There are: %(known)s.")
        names = ", ".join(unknown or value)
        raise ValidationError(words, code="invalid", params={"names": names, "known": ", ".join(CAPABILITIES)})


PRICES = ("input", "output", "cached", "image", "call")
MICRO = 1_000_000  # micro-credits in a credit: prices of single tokens are whole numbers


def _price(name: Any) -> "models.BigIntegerField[int | None, int | None]":
    """A price in micro-credits; empty is unknown, which is not the same as nothing."""
    return models.BigIntegerField(
        name, null=True, blank=True, validators=[MinValueValidator(0)], help_text=_("In millionths of a credit.")
    )


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    """The reading vocabulary of endpoints."""

    def for_list(self) -> "EndpointQuerySet":
        """With everything that a list shows of each, in a fixed number of queries."""
        return self.select_related("secret", "health").prefetch_related("offers")


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
    objects = EndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("model endpoint")
        verbose_name_plural = _("model endpoints")
        ordering = ["priority", "key"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        try:
            check_plain(self.base_url)
        except ValidationError as exc:
            raise ValidationError({"base_url": exc}) from exc

    @property
    def address(self) -> str:
        """Where a key goes: it is sent there and nowhere else."""
        return address_of(self.handler_key, self.base_url)


def address_of(handler_key: str, base_url: str) -> str:
    """The two things that decide to whom a key is sent."""
    return f"{handler_key} {base_url}"


class Secret(models.Model):
    """One row is the key of an endpoint, sealed. It is written and used, never read back."""

    endpoint = models.OneToOneField(Endpoint, on_delete=models.CASCADE, related_name="secret")
    blob = models.TextField()
    hint = models.CharField(max_length=12)
    updated_at = models.DateTimeField(auto_now=True)
    # Drawn anew with each key and part of the release, so that processes notice a new one. No counter: a database that
    # was restored would count again to what processes have seen.
    version = models.BigIntegerField(default=0)
    address = models.CharField(max_length=400, blank=True)  # of the endpoint when the key was entered

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
    capabilities = models.JSONField(_("capabilities"), default=list, validators=[validate_capabilities])
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
        return offered({name: getattr(self, name) for name in (*OFFERED, *PRICE_COLUMNS)})


OFFERED = ("model", "capabilities", "context_window", "max_output", "quality")
PRICE_COLUMNS = tuple(f"price_{name}" for name in PRICES)


def offered(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is released of an offer with these `values` by column."""
    return {
        **{name: values[name] for name in OFFERED},
        "prices": {name: values[column] for name, column in zip(PRICES, PRICE_COLUMNS, strict=True)},
    }


class EndpointHealth(models.Model):
    """One row is what the last test of an endpoint, with its key, found; a timer renews it."""

    class KeyState(models.TextChoices):
        NOT_NEEDED = "not_needed", _("no key needed")
        MISSING = "missing", _("needs a key")
        UNREADABLE = "unreadable", _("needs its key again")
        KEPT = "kept", _("key kept")
        REFUSED = "refused", _("key refused")

    endpoint = models.OneToOneField(Endpoint, on_delete=models.CASCADE, related_name="health")
    ok = models.BooleanField(null=True)
    checked_at = models.DateTimeField(null=True)
    latency_ms = models.PositiveIntegerField(null=True)
    key_state = models.CharField(max_length=16, choices=KeyState.choices, default=KeyState.KEPT)
    error = models.JSONField(null=True)
    models_listed = models.JSONField(default=list)
    missing = models.JSONField(default=list)
    due_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.endpoint_id}: {self.ok}"
