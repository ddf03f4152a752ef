"""The form of a new API key: who and what it is for, from where, and what it may spend."""

import json
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from apps.accounts.keys.known import Kind, known
from apps.accounts.keys.scopes import scopes
from apps.accounts.models import ApiKey

CHOSEN: Final[tuple[Kind, ...]] = ("features", "models")  # lists that name things there are


class LinesField(forms.CharField):
    """One entry a line; None when it is left empty."""

    widget = UnfoldAdminTextareaWidget

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=self.widget(attrs={"rows": 3}), **kwargs)

    def clean(self, value: Any) -> Any:
        lines = [line.strip() for line in (super().clean(value) or "").splitlines()]
        return [line for line in lines if line] or None


class KeyForm(forms.ModelForm[ApiKey]):
    """What a new key may do. `refusal` is why the service would not make it."""

    refusal: ClassVar[ValidationError | None] = None
    features = LinesField(
        label=_("Features"), help_text=_("Their keys, one a line. Empty: all that the owner may use.")
    )
    models = LinesField(label=_("Models"), help_text=_("Their names, one a line. Empty: all."))
    ips = LinesField(
        label=_("Addresses"),
        help_text=_("Addresses and networks, one a line, such as 203.0.113.0/24. Empty: anywhere."),
    )
    admin = forms.BooleanField(
        label=_("For the management API"),
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text=_("It may do there what you may. Only for a key of your own."),
    )

    class Meta:
        model = ApiKey
        fields = ["name", "user", "budget", "budget_period", "expires_at"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offers the names there are beneath the lines; others may be typed, for things that are to come."""
        super().__init__(*args, **kwargs)
        for kind in CHOSEN:
            if kind in self.fields and (names := known(kind)):
                self.fields[kind].widget.attrs["data-known"] = json.dumps(names)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        try:
            cleaned["scopes"] = scopes(
                features=cleaned.get("features"),
                models=cleaned.get("models"),
                ips=cleaned.get("ips") or (),
                admin=bool(cleaned.get("admin")),
            )
        except ValidationError as exc:
            self.add_error(None, exc)
        if self.refusal is not None:
            self.add_error(None, self.refusal)
        return cleaned
