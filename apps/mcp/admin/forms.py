"""What operators send from the pages of servers and tools."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget, UnfoldBooleanWidget

from apps.core.usage_admin import KeptNameForm, refuse_in_form
from apps.mcp.models import Server, Tool
from apps.mcp.services.servers import ADDRESS, EDITABLE

KEEPS = _("Kept encrypted and never shown again. Leave empty to keep the present one.")


class ServerForm(KeptNameForm):
    """What features use stays under its name and switched on; the token is written here and never shown again."""

    usage_kind = "server"
    seen_revision = forms.IntegerField(widget=forms.HiddenInput, required=False)
    new_token = forms.CharField(
        label=_("New token"),
        required=False,
        strip=True,
        max_length=4000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=_("Kept encrypted and never shown again."),
    )
    remove_token = forms.BooleanField(label=_("Remove the token"), required=False, widget=UnfoldBooleanWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_revision"].initial = self.instance.revision
        if self.instance.pk and "new_token" in self.fields:
            self.fields["new_token"].help_text = KEEPS
        if "catalogue_id" in self.fields:
            choices = [("", "—"), *((entry, entry) for entry in settings.MCP_STDIO_CATALOGUE)]
            self.fields["catalogue_id"].widget = UnfoldAdminSelectWidget(choices=choices)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        token = str(cleaned.get("new_token") or "")
        if not (token.isascii() and token.isprintable()):
            self.add_error("new_token", _("Only plain characters can be sent in a header."))
        if self.instance.pk:
            self._check_change(cleaned, token)
        return cleaned

    def _check_change(self, cleaned: dict[str, Any], token: str) -> None:
        moved = set(ADDRESS) & set(self.changed_data)
        if moved and hasattr(self.instance, "secret") and not (token or cleaned.get("remove_token")):
            self.add_error("new_token", _("Enter the token again: the present one is only for the former address."))
        if "enabled" in self.changed_data and not cleaned.get("enabled"):
            refuse_in_form(self, "enabled", "server", [str(self.initial["key"])])
        current = Server.objects.filter(pk=self.instance.pk).values_list("revision", flat=True).first()
        seen = cleaned.get("seen_revision")
        if seen is not None and seen != current:
            words = _("Not saved: somebody else saved this server meanwhile. What you typed is still below.")
            raise forms.ValidationError(words)

    class Meta:
        model = Server
        fields = ["key", *sorted(EDITABLE)]


class ToolLineForm(forms.ModelForm[Tool]):
    """A tool in its server's list: one that features use stays allowed, one that is gone cannot be."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "allowed" in self.fields:  # its heading is that of a column, which a screen reader does not tell
            words = _("%(tool)s is allowed") % {"tool": self.instance.name}
            self.fields["allowed"].widget.attrs["aria-label"] = words

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.instance.pk and "allowed" in self.changed_data:
            if not cleaned.get("allowed"):
                refuse_in_form(self, "allowed", "tool", [self.instance.address])
            elif self.instance.is_gone:
                self.add_error("allowed", _("The server does not show this tool any more."))
        return cleaned

    class Meta:
        model = Tool
        fields = ["allowed"]


class ApproveForm(forms.Form):
    """What the person looked at."""

    sha256 = forms.RegexField(r"^[0-9a-f]{64}\Z")


class CallForm(forms.Form):
    """Arguments as JSON, from the generated form or typed."""

    arguments = forms.JSONField(required=False, initial=dict)

    def clean_arguments(self) -> dict[str, Any]:
        given = self.cleaned_data["arguments"]
        if given is None:
            return {}
        if not isinstance(given, dict):
            raise forms.ValidationError(_("Arguments are an object, in braces."))
        return given
