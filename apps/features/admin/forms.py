"""What operators send from the pages of a feature."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from apps.core.publishing.services.rollouts import DEFAULT_MARGIN
from apps.features.meanwhile import meanwhile
from apps.features.models import Feature
from apps.features.releasing import Order

# What an emptied editor means; the columns take no NULL.
EMPTY: dict[str, type] = {"ui_schema": dict, "output_ui": dict, "degrade": dict, "table": list}


class FeatureForm(forms.ModelForm[Feature]):
    """Refuses to overwrite what somebody else saved since this page was opened, and says what that was."""

    seen_revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_revision"].initial = self.instance.revision

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name, empty in EMPTY.items():
            if name in cleaned and cleaned[name] is None:
                cleaned[name] = empty()
        seen = cleaned.get("seen_revision")
        current = Feature.objects.filter(pk=self.instance.pk).values_list("revision", flat=True).first()
        if current is not None and seen != current:
            raise forms.ValidationError(stale_words(self.instance.key, seen))
        return cleaned

    class Meta:
        model = Feature
        fields = "__all__"  # noqa: DJ007 - the admin's fieldsets choose


def stale_words(key: str, seen: int | None) -> list[Any]:
    """What to tell somebody whose page is older than the draft."""
    news = meanwhile(key, seen).sentences() if seen else []
    advice = _(
        "Not saved: somebody else saved this feature meanwhile. What you typed is still below: open the feature in "
        "another tab, and bring your change over."
    )
    return [advice, *news]


class ZonedTimeMixin(forms.Form):
    """A time from a browser: `due_at` with its zone; `due_local` as UTC where no script ran."""

    due_at = forms.DateTimeField(required=False)
    due_local = forms.DateTimeField(required=False)

    def due(self) -> datetime | None:
        found: datetime | None = self.cleaned_data["due_at"] or self.cleaned_data["due_local"]
        return found


class AudienceMixin(forms.Form):
    """Who gets a candidate, and how far it is watched."""

    percent = forms.IntegerField(min_value=0, max_value=100, initial=10, required=False)
    roles = forms.ModelMultipleChoiceField(Group.objects.all(), to_field_name="name", required=False)
    watch = forms.BooleanField(required=False, initial=True)
    margin = forms.IntegerField(min_value=0, max_value=100, initial=DEFAULT_MARGIN, required=False)

    def audience(self) -> dict[str, Any]:
        given = self.cleaned_data
        margin = DEFAULT_MARGIN if given["margin"] is None else given["margin"]
        return {
            "percent": given["percent"] or 0,
            "roles": tuple(group.name for group in given["roles"]),
            "margin": margin if given["watch"] else None,
        }


class ReleaseForm(ZonedTimeMixin, AudienceMixin):
    """For whom, when, and with whose consent a draft is released."""

    note = forms.CharField(max_length=500, required=False)
    confirm = forms.BooleanField(required=False)
    seen_sha256 = forms.RegexField(r"^[0-9a-f]{64}$", required=False)
    seen_version = forms.IntegerField(min_value=0, required=False)
    audience_is = forms.ChoiceField(choices=[("all", "all"), ("some", "some")], initial="all", required=False)
    when = forms.ChoiceField(choices=[("now", "now"), ("later", "later")], initial="now", required=False)
    ask = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("when") == "later" and not (given.get("due_at") or given.get("due_local")):
            self.add_error("due_at", _("Choose the time when it is to happen."))
        return given

    def order(self) -> Order:
        """What was sent, once it is valid."""
        given = self.cleaned_data
        some = given["audience_is"] == "some"
        return Order(
            note=given["note"],
            confirm=given["confirm"],
            sha256=given["seen_sha256"],
            live=given["seen_version"],
            some=some,
            due_at=self.due() if given["when"] == "later" else None,
            ask=given["ask"],
            **(self.audience() if some else {}),
        )


class RolloutForm(AudienceMixin):
    """Another share for a running gradual release."""

    note = forms.CharField(max_length=500, required=False)


class WithdrawForm(ZonedTimeMixin):
    """Take it off, now or at a time."""

    note = forms.CharField(max_length=500, required=False)
    when = forms.ChoiceField(choices=[("now", "now"), ("later", "later")], initial="now", required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("when") == "later" and not (given.get("due_at") or given.get("due_local")):
            self.add_error("due_at", _("Choose the time when it is to happen."))
        return given


class NoteForm(forms.Form):
    """Why."""

    note = forms.CharField(max_length=500, required=False)


class RollbackForm(NoteForm):
    """To which version, and why."""

    version = forms.IntegerField(min_value=1, max_value=2**31 - 1)
