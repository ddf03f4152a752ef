"""The page that takes over a price list: upload, look at every change, then write."""

from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.core.errors import ApiError
from apps.core.permissions import needs
from apps.providers.models import Endpoint, Offer
from apps.providers.offer_form import shown_credits
from apps.providers.price_lists import LARGEST, read_list
from apps.providers.services.prices import Change, PricePlan, apply_prices, plan_prices

SALT = "providers.prices"
SECONDS = 3600  # between looking at the changes and writing them
MOST_UNKNOWN = 20  # named before the rest is counted

Wrap = Callable[[Any], Any]


class PriceListForm(forms.Form):
    """A list, and what its unit is worth."""

    file = forms.FileField(label=_("price list (CSV or JSON)"))
    rate = forms.DecimalField(
        label=_("credits for one dollar"), required=False, min_value=Decimal("0.000001"), max_digits=18
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise forms.ValidationError(_("The file is larger than %(size)s MB.") % {"size": LARGEST // 2**20})
        return file


class PricePages:
    """Stands before `ModelAdmin` of endpoints."""

    def price_urls(self, wrap: Wrap) -> list[URLPattern]:
        return [path("prices/", wrap(self.prices_view), name="providers_endpoint_prices")]

    @needs("providers:write")
    def prices_view(self, request: HttpRequest) -> HttpResponse:
        """Nothing is written before every change was shown; what is written is what was shown."""
        if not self.has_change_permission(request):  # type: ignore[attr-defined]  # ModelAdmin's
            raise PermissionDenied
        if request.method == "POST" and "seen" in request.POST:
            return self._written(request)
        form = PriceListForm(request.POST or None, request.FILES or None)
        plan = self._planned(request, form) if request.method == "POST" and form.is_valid() else None
        site = self.admin_site.each_context(request)  # type: ignore[attr-defined]  # ModelAdmin's
        context = {**site, "opts": Endpoint._meta, "title": _("Price list"), "form": form, "plan": plan}
        return render(request, "admin/providers/prices.html", {**context, **(_shown(request, plan) if plan else {})})

    def _planned(self, request: HttpRequest, form: PriceListForm) -> PricePlan | None:
        try:
            return plan_prices(read_list(form.cleaned_data["file"].read(), rate=form.cleaned_data["rate"]))
        except ApiError as exc:
            form.add_error("file", exc.text())
            return None

    def _written(self, request: HttpRequest) -> HttpResponse:
        back = redirect(reverse("admin:providers_endpoint_prices"))
        try:
            changes = _unsigned(request)
            count = apply_prices(changes, by=request.user, confirm="confirm" in request.POST, note=str(_("Price list")))
        except signing.BadSignature:
            self.message_user(request, _("The comparison is too old. Upload the list again."), messages.ERROR)  # type: ignore[attr-defined]  # ModelAdmin's
            return back
        except ApiError as exc:
            self.message_user(request, exc.text(), messages.ERROR)  # type: ignore[attr-defined]  # ModelAdmin's
            return back
        words = ngettext("%(count)s number was changed.", "%(count)s numbers were changed.", count)
        self.message_user(request, words % {"count": count}, messages.SUCCESS)  # type: ignore[attr-defined]  # ModelAdmin's
        return redirect(reverse("admin:providers_endpoint_changelist"))


def _unsigned(request: HttpRequest) -> list[Change]:
    """What this person was shown. Raises `BadSignature`."""
    user, rows = signing.loads(request.POST["seen"], salt=SALT, max_age=SECONDS)
    if user != request.user.pk:
        raise signing.BadSignature
    return [Change(**row) for row in rows]


def _shown(request: HttpRequest, plan: PricePlan) -> dict[str, Any]:
    changes = [{**asdict(change), **_words(change)} for change in plan.changes]
    rows = [asdict(change) for change in plan.changes]
    return {
        "changes": changes,
        "seen": signing.dumps([request.user.pk, rows], salt=SALT, compress=True),
        "unknown": plan.unknown[:MOST_UNKNOWN],
        "more_unknown": max(0, len(plan.unknown) - MOST_UNKNOWN),
    }


def _words(change: Change) -> dict[str, Any]:
    label = Offer._meta.get_field(change.field).verbose_name  # type: ignore[union-attr]  # a column
    if change.is_price:
        return {"label": label, "was": shown_credits(change.old) or "—", "is": shown_credits(change.new)}
    return {"label": label, "was": change.old, "is": change.new}
