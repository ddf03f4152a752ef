"""The form of an endpoint."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget

from apps.core.errors import ApiError, StaleRevision
from apps.core.publishing.usage import Use
from apps.providers.changes import refuse_lost_routes
from apps.providers.errors import KeyNeeded
from apps.providers.handlers import handlers
from apps.providers.meanwhile import meanwhile
from apps.providers.models import RESERVED, Endpoint
from apps.providers.offer_form import KeptWhenEmpty
from apps.providers.services import refuse_kept_key, refuse_stale

ADDRESS = ("kind", "handler_key", "base_url")
USUAL = "openai"  # the handler that most model services are reached by
KEEPS = _("Kept encrypted and never shown again. Leave empty to keep the present one.")


class EndpointForm(KeptWhenEmpty, forms.ModelForm[Endpoint]):
    """The key is written here and never shown again."""

    kept = (
        "kind",
        "weight",
        "first_byte_seconds",
        "max_concurrency",
        "rpm",
        "tpm",
    )

    moved: Sequence[Use] = ()
    new_secret = forms.CharField(
        label=_("New API key"),
        required=False,
        strip=True,
        max_length=4096,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=_("Kept encrypted and never shown again."),
    )
    seen_revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Endpoint
        fields = [
            "key",
            "name",
            "kind",
            "handler_key",
            "base_url",
            "priority",
            "weight",
            "timeout_seconds",
            "first_byte_seconds",
            "max_retries",
            "max_concurrency",
            "rpm",
            "tpm",
            "enabled",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["seen_revision"] = self.instance.revision
            if "new_secret" in self.fields:
                self.fields["new_secret"].help_text = KEEPS
        if "handler_key" in self.fields:
            known = {key: handler.label for key, handler in sorted(handlers().items())}
            if (present := self.instance.handler_key) and present not in known:
                known[present] = present
            self.fields["handler_key"].widget = UnfoldAdminSelectWidget(choices=list(known.items()))
            self.initial["handler_key"] = present or USUAL
        if "base_url" in self.fields:
            self.fields["base_url"].help_text = _("Empty: the public address of the model service.")

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        if key in RESERVED and key != self.initial.get("key"):
            raise forms.ValidationError(_("This name is reserved. Choose another one."))
        return key

    def clean_new_secret(self) -> str:
        given: str = self.cleaned_data["new_secret"]
        if not given.isascii() or not given.isprintable():
            raise forms.ValidationError(_("A key is one line of letters, digits and signs."))
        return given

    def clean(self) -> dict[str, Any]:
        """Judged against the row as it is now, in the transaction that saves."""
        cleaned = super().clean() or {}
        if not self.instance.pk:
            return cleaned
        self._refuse_stale(cleaned)
        stored = Endpoint.objects.filter(pk=self.instance.pk).first()
        if stored is not None and not cleaned.get("new_secret"):
            wanted = {field: cleaned.get(field, getattr(stored, field)) for field in ADDRESS}
            try:
                refuse_kept_key(stored, **wanted)
            except KeyNeeded as exc:
                self.add_error("new_secret" if "new_secret" in self.fields else None, exc.text())
        if {"enabled", "handler_key"} & set(self.changed_data):
            self.moved = refuse_lost_routes(self)
        return cleaned

    def _refuse_stale(self, cleaned: dict[str, Any]) -> None:
        """Without the number that the page holds nobody can tell, and the last one wins as it always did."""
        seen = cleaned.get("seen_revision")
        stored = Endpoint.objects.filter(pk=self.instance.pk).first()
        if seen is None or stored is None:
            return
        try:
            refuse_stale(stored, seen)
        except StaleRevision as exc:
            self.add_error(None, _stale_words(exc, stored, seen))


def _stale_words(error: ApiError, stored: Endpoint, seen: int) -> str:
    """Who saved meanwhile, and which fields differ from what this person saw."""
    told = meanwhile(stored, seen)
    people = ", ".join(dict.fromkeys(edit["by"] for edit in told["edits"] if edit["by"]))
    labels = {field.name: str(field.verbose_name) for field in Endpoint._meta.fields}
    fields = ", ".join(labels[change["field"]] for change in told["changes"])
    words = error.text()
    if people:
        words += " " + str(_("Saved by: %(people)s.")) % {"people": people}
    if fields:
        words += " " + str(_("Changed: %(fields)s.")) % {"fields": fields}
    return words
