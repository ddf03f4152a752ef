"""What the form of an endpoint would change, judged before it is saved."""

from collections.abc import Sequence
from copy import copy
from typing import Any

from django import forms
from django.forms import BaseInlineFormSet

from apps.core.publishing.usage import OnlyRoute, Use, hold_releases
from apps.providers.catalogue import collect, released
from apps.providers.models import Endpoint, Offer
from apps.providers.routes import Catalogue, Effects, effects, with_entry, without

# Forms are validated in the transaction that saves them, so that what is judged here is what is written.


def refuse_lost_routes(form: forms.ModelForm[Endpoint]) -> list[Use]:
    """An error on the field that would leave somebody without a model; returns who goes on with another one."""
    hold_releases()
    before, stored = collect(), form.instance
    after = _with(before, _changed(form), stored.offers.all(), has_secret=_has_secret(form))
    found = effects(before, after)
    if found.lost:
        field = "enabled" if "enabled" in form.changed_data else "handler_key"
        form.add_error(field, OnlyRoute(found.lost).text())
    return found.moved


def _changed(form: forms.ModelForm[Endpoint]) -> Endpoint:
    endpoint = copy(form.instance)
    for field in {"enabled", "handler_key", "key"} & set(form.cleaned_data):
        setattr(endpoint, field, form.cleaned_data[field])
    return endpoint


def _has_secret(form: forms.ModelForm[Endpoint]) -> bool:
    return bool(form.cleaned_data.get("new_secret")) or hasattr(form.instance, "secret")


def _with(catalogue: Catalogue, endpoint: Endpoint, offers: Any, *, has_secret: bool) -> dict[str, Any]:
    """`catalogue` as it would be with this endpoint and these offers."""
    if not endpoint.enabled:
        return without(catalogue, {endpoint.pk})
    return with_entry(catalogue, released(endpoint, offers, has_secret=has_secret))


class OfferFormSet(BaseInlineFormSet[Offer, Endpoint, Any]):
    """The models of an endpoint: none goes, or stops to offer what it offered, while it is somebody's only route.

    `moved` holds, once valid, who goes on with another model.
    """

    moved: Sequence[Use] = ()

    def clean(self) -> None:
        super().clean()
        if not self.instance.pk or not self.has_changed() or any(self.errors):
            return
        found = self._effects()
        self.moved = found.moved
        if found.lost:
            raise forms.ValidationError(OnlyRoute(found.lost).text())

    def _effects(self) -> Effects:
        hold_releases()
        endpoint = self.instance
        secret = hasattr(endpoint, "secret")  # with none, nobody has relied on its models so far
        catalogue = collect()
        before = _with(catalogue, endpoint, Offer.objects.filter(endpoint=endpoint), has_secret=secret)
        return effects(before, _with(catalogue, endpoint, self._kept(), has_secret=secret))

    def _kept(self) -> list[Offer]:
        forms_kept = [form for form in self.forms if form not in self.deleted_forms and form.cleaned_data]
        return [form.instance for form in forms_kept]
