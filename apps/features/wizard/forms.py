"""What is asked for, step by step."""

from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from apps.features.admin.forms import stale_words
from apps.features.gallery import templates
from apps.features.models import ICONS, Feature, MenuGroup
from apps.features.wizard.starting import BLANK_CHOICE


class BasicsForm(forms.ModelForm[Feature]):
    """What it is called, what it costs, where it stands."""

    cost = forms.IntegerField(label=_("price (credits per run)"), min_value=0, max_value=1_000_000, initial=1)
    icon = forms.ChoiceField(label=_("icon"), choices=[(icon, icon) for icon in ICONS], initial="sparkles")
    menu = forms.ModelChoiceField(MenuGroup.objects.all(), label=_("menu group"), empty_label=None)

    seen_revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_revision"].initial = self.instance.revision if self.instance.pk else None
        self._revision = self.instance.revision

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        seen = cleaned.get("seen_revision")
        if self.instance.pk and seen != self._revision:
            raise forms.ValidationError(stale_words(self.instance.key, seen))
        return cleaned

    class Meta:
        model = Feature
        fields = ("title", "title_zh", "description", "description_zh", "menu", "icon", "cost")


class StartForm(BasicsForm):
    """The basics, and what to start from."""

    start = forms.ChoiceField(label=_("start from"), required=False, widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = get_language() or "en"
        ready = [(key, template.told(language)["title"]) for key, template in templates().items()]
        field = self.fields["start"]
        field.choices = [(BLANK_CHOICE, _("one field, one prompt, one answer")), *ready]  # type: ignore[attr-defined]

    def basics(self) -> dict[str, Any]:
        """What becomes of the draft, without where it starts from."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields}


class DesignForm(forms.Form):
    """The form of the feature, as the designer or a person writes it."""

    form_schema = forms.JSONField(label=_("form"), widget=forms.Textarea(attrs={"rows": 18, "class": "pb-input"}))
    ui_schema = forms.JSONField(
        label=_("form appearance"), required=False, widget=forms.Textarea(attrs={"rows": 8, "class": "pb-input"})
    )
    seen_revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, feature: Feature, **kwargs: Any) -> None:
        self.feature = feature
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("form_schema", "ui_schema"):
            if name in cleaned and not isinstance(cleaned[name] or {}, dict):
                self.add_error(name, _("A JSON object."))
        seen = cleaned.get("seen_revision")
        if seen is not None and seen != self.feature.revision:
            raise forms.ValidationError(stale_words(self.feature.key, seen))
        return cleaned

    def changes(self) -> dict[str, Any]:
        """What the draft gets."""
        return {"form_schema": self.cleaned_data["form_schema"], "ui_schema": self.cleaned_data["ui_schema"] or {}}
