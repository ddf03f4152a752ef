"""What the management API of endpoints takes and gives. Keys go in and never come out."""

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from rest_framework import serializers

from apps.providers.handlers import handlers
from apps.providers.models import CAPABILITIES, PRICES, Endpoint, EndpointHealth, Offer, check_plain, key_validator
from apps.providers.services import key_state

LARGEST = 2**31 - 1  # of a whole number in the table
LARGEST_PRICE = 10**15  # micro-credits


def _number(source: str | None = None, *, least: int = 0, **options: Any) -> serializers.IntegerField:
    return serializers.IntegerField(source=source, min_value=least, max_value=LARGEST, required=False, **options)


class PricesSerializer(serializers.Serializer[None]):
    """In micro-credits (1,000,000 are a credit): tokens by the million, images and calls each; null is unknown."""

    def get_fields(self) -> dict[str, Any]:
        return {
            name: serializers.IntegerField(min_value=0, max_value=LARGEST_PRICE, allow_null=True, required=False)
            for name in PRICES
        }


class OfferSerializer(serializers.Serializer[Offer]):
    """A model that the endpoint serves."""

    model = serializers.CharField(max_length=120)
    capabilities = serializers.ListField(child=serializers.ChoiceField(list(CAPABILITIES)), required=False)
    context_window = _number(least=1)
    max_output = _number(help_text="0 for what the model service allows.")
    quality = serializers.IntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(100)], required=False, help_text="1 to 100."
    )
    enabled = serializers.BooleanField(required=False)
    prices = PricesSerializer(required=False)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return {**instance.as_released(), "enabled": instance.enabled}


class SecretStateSerializer(serializers.Serializer[None]):
    """What may be known of the key."""

    state = serializers.ChoiceField(EndpointHealth.KeyState.choices)
    hint = serializers.CharField(help_text="The last four characters, or nothing.")
    updated_at = serializers.DateTimeField(allow_null=True)


class HealthSerializer(serializers.Serializer[EndpointHealth]):
    """What the last test found."""

    ok = serializers.BooleanField(allow_null=True)
    checked_at = serializers.DateTimeField(allow_null=True)
    latency_ms = serializers.IntegerField(allow_null=True)
    key_state = serializers.CharField()
    error = serializers.JSONField(allow_null=True)
    missing = serializers.ListField(child=serializers.CharField())


class EndpointSerializer(serializers.Serializer[Endpoint]):
    """An endpoint with its models. `offers`, when sent, take the place of all it has."""

    key = serializers.CharField(read_only=True)
    name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(Endpoint.Kind.choices, required=False)
    handler = serializers.CharField(source="handler_key", max_length=32)
    base_url = serializers.URLField(max_length=300, allow_blank=True, required=False, validators=[check_plain])
    priority = serializers.IntegerField(min_value=-LARGEST, max_value=LARGEST, required=False)
    weight = _number()
    timeout = _number("timeout_seconds", least=1)
    first_byte = _number("first_byte_seconds")
    max_retries = serializers.IntegerField(min_value=0, max_value=10, required=False)
    max_concurrency = _number()
    rpm = _number()
    tpm = _number()
    enabled = serializers.BooleanField(required=False)
    secret = serializers.CharField(
        write_only=True,
        required=False,
        trim_whitespace=True,
        help_text="The key, with the right secrets:write; needed again when kind, handler or base_url change.",
    )
    revision = serializers.IntegerField(read_only=True)
    key_in_use = SecretStateSerializer(read_only=True, source="*")
    health = HealthSerializer(read_only=True, allow_null=True)
    offers = OfferSerializer(many=True, required=False)

    def validate_handler(self, value: str) -> str:
        if value not in handlers():
            raise serializers.ValidationError(", ".join(sorted(handlers())), code="choice")
        return value

    def to_representation(self, instance: Endpoint) -> dict[str, Any]:
        secret, health = getattr(instance, "secret", None), getattr(instance, "health", None)
        return {
            "key": instance.key,
            "name": instance.name,
            "kind": instance.kind,
            "handler": instance.handler_key,
            "base_url": instance.base_url,
            "priority": instance.priority,
            "weight": instance.weight,
            "timeout": instance.timeout_seconds,
            "first_byte": instance.first_byte_seconds,
            "max_retries": instance.max_retries,
            "max_concurrency": instance.max_concurrency,
            "rpm": instance.rpm,
            "tpm": instance.tpm,
            "enabled": instance.enabled,
            "revision": instance.revision,
            "key_in_use": {
                "state": key_state(instance).value,
                "hint": secret.hint if secret else "",
                "updated_at": secret.updated_at if secret else None,
            },
            "health": HealthSerializer(health).data if health else None,
            "offers": [OfferSerializer(offer).data for offer in instance.offers.all()],
        }


class NewEndpointSerializer(EndpointSerializer):
    """A new endpoint."""

    key = serializers.CharField(max_length=64, validators=[key_validator])


class EndpointListSerializer(serializers.Serializer[None]):
    items = EndpointSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class SecretSerializer(serializers.Serializer[None]):
    secret = serializers.CharField(write_only=True, trim_whitespace=True)


class TestSerializer(serializers.Serializer[None]):
    """An address that is not kept yet, and the key to try."""

    handler = serializers.CharField(max_length=32)
    base_url = serializers.URLField(
        max_length=300, allow_blank=True, required=False, default="", validators=[check_plain]
    )
    secret = serializers.CharField(write_only=True, required=False, allow_blank=True, default="")


class FailureSerializer(serializers.Serializer[None]):
    code = serializers.CharField()
    reason = serializers.CharField()
    message = serializers.CharField(help_text="The upstream's own words where there are any, without the key.")
    advice = serializers.CharField()


class FoundSerializer(serializers.Serializer[None]):
    """What a test found, within two seconds."""

    ok = serializers.BooleanField()
    latency_ms = serializers.IntegerField(allow_null=True)
    models = serializers.ListField(child=serializers.CharField())
    missing = serializers.ListField(child=serializers.CharField(), help_text="Offered, but not listed upstream.")
    error = FailureSerializer(allow_null=True)
    resolved = serializers.BooleanField(allow_null=True, help_text="Whether the host's name leads anywhere.")
