"""The form of a model: capabilities are boxes, prices are in credits."""

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from apps.providers.models import CAPABILITIES, MICRO, PRICES, Offer

PLACES = 6  # a millionth of a credit is the smallest price
MOST_CREDITS = Decimal(10**9)


def credits_of(micro: int | None) -> Decimal | None:
    """Micro-credits as credits, without trailing zeros; None stays None."""
    if micro is None:
        return None
    found = (Decimal(micro) / MICRO).normalize()
    return found.quantize(Decimal(1)) if found == found.to_integral_value() else found


def shown_credits(micro: int | None) -> str:
    """Credits as people read them; "" for an unknown price."""
    found = credits_of(micro)
    return "" if found is None else f"{found:f}"


class CreditsField(forms.DecimalField):
    """Credits with up to six places, kept as whole micro-credits; empty is unknown."""

    def __init__(self, *, label: Any) -> None:
        widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "class": "pb-credits", "size": 10})
        super().__init__(
            label=label, required=False, min_value=0, max_value=MOST_CREDITS, decimal_places=PLACES, widget=widget
        )

    def prepare_value(self, value: Any) -> Any:
        return shown_credits(value) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        found = super().clean(value)
        return None if found is None else int(found * MICRO)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(initial != self.clean(data))
        except forms.ValidationError:
            return True


class CapabilitiesField(forms.MultipleChoiceField):
    """Boxes. What a row names and nobody knows any more is shown as a box, too, so that saving loses nothing."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Capabilities"),
            choices=list(CAPABILITIES.items()),
            widget=UnfoldAdminCheckboxSelectMultipleWidget,
        )

    def has_changed(self, initial: Any, data: Any) -> bool:
        return set(initial or []) != set(data or [])


class KeptWhenEmpty:
    """Stands before `ModelForm`: a number that is left empty stays what it is, or becomes the default."""

    kept: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(self.kept) & set(self.fields):  # type: ignore[attr-defined]  # ModelForm's
            self.fields[name].required = False  # type: ignore[attr-defined]  # ModelForm's

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}  # type: ignore[misc]  # ModelForm's
        for name in self.kept:
            if name in cleaned and cleaned[name] in (None, ""):
                cleaned[name] = getattr(self.instance, name)  # type: ignore[attr-defined]  # ModelForm's
        return cleaned


class OfferForm(KeptWhenEmpty, forms.ModelForm[Offer]):
    """One model of an endpoint."""

    kept = ("context_window", "max_output", "quality")

    capabilities = CapabilitiesField()
    price_input = CreditsField(label=_("In, credits per million tokens"))
    price_output = CreditsField(label=_("Out, credits per million tokens"))
    price_cached = CreditsField(label=_("Cached in, credits per million tokens"))
    price_image = CreditsField(label=_("Credits per image"))
    price_call = CreditsField(label=_("Credits per call"))

    class Meta:
        model = Offer
        fields = [
            "model",
            "capabilities",
            "context_window",
            "max_output",
            "quality",
            *(f"price_{name}" for name in PRICES),
            "enabled",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("capabilities")
        if isinstance(field, CapabilitiesField):
            known = self.instance.capabilities if isinstance(self.instance.capabilities, list) else []
            field.choices = [*CAPABILITIES.items(), *((n, n) for n in known if n not in CAPABILITIES)]
            if not self.instance.pk:
                field.initial = ["chat"]

    def clean_capabilities(self) -> list[str]:
        """In the order of the boxes."""
        chosen = self.cleaned_data["capabilities"]
        return [name for name, _label in self.fields["capabilities"].choices if name in chosen]  # type: ignore[attr-defined]

    def _get_validation_exclusions(self) -> set[str]:
        """The boxes have been judged; what the row named before may stay."""
        return {*super()._get_validation_exclusions(), "capabilities"}  # type: ignore[misc]  # Django's own hook
