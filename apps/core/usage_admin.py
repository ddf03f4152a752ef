"""Admin screens of parts: "used by" on page and list, and no deletion of what is in use."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.core.errors import ApiError
from apps.core.publishing import usage
from apps.core.publishing.usage import Kind, PartInUse, Use

# What is said of a live release that holds the part as it was. The other kinds take effect on save.
OLDER = {
    "prompt": _("live uses an older text"),
    "pipeline": _("live runs an older graph"),
    "tool": _("live knows the tool as it was"),
    "menu": _("live shows the former heading"),
}
# What is said of a part that no feature uses, where the general words would be wrong.
ANY = _("No feature uses this yet. It can be changed and deleted without touching anybody.")
FREE = {"role": _("No feature asks for this role. Whoever has it keeps the rights that it gives.")}


class Obstacles(list[SafeString]):
    """What the confirm page lists when deletion is refused, and what to do about it."""

    def __init__(self, error: PartInUse) -> None:
        super().__init__(render_to_string("admin/usage/row.html", {"use": use}) for use in error.uses)
        self.advice = error.advice


class GuardedDeletionMixin:
    """Stands before `ModelAdmin`: asks `check_deletion` on the confirm page and again where the rows are deleted."""

    # What belongs to a row and goes with it, although nobody may delete it alone.
    own_parts: ClassVar[Sequence[type[Model]]] = ()
    delete_confirmation_template: Any = "admin/usage/delete.html"
    delete_selected_confirmation_template: Any = "admin/usage/delete_selected.html"

    def check_deletion(self, rows: Sequence[Any]) -> None:
        """Raises `PartInUse` when `rows` may not be deleted together. Called in the transaction that deletes them."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Ours in place of Django's list of protected rows: it also knows of releases, and leads to the pages."""
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)  # type: ignore[misc]  # ModelAdmin's
        try:
            self.check_deletion(list(objs))
        except PartInUse as exc:
            protected = Obstacles(exc)
        return deleted, counts, lacking - {str(part._meta.verbose_name) for part in self.own_parts}, protected

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with _guarded(self, [obj]):
            super().delete_model(request, obj)  # type: ignore[misc]  # ModelAdmin's

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        with _guarded(self, list(queryset)):
            super().delete_queryset(request, queryset)  # type: ignore[misc]  # ModelAdmin's

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """Somebody began to use it between the page and the click: nothing is deleted, and it is said."""
        try:
            return super().delete_view(request, object_id, extra_context)  # type: ignore[misc]  # ModelAdmin's
        except ApiError as exc:
            self.message_user(request, exc.text(), messages.ERROR)  # type: ignore[attr-defined]  # ModelAdmin's
            opts = self.model._meta  # type: ignore[attr-defined]  # ModelAdmin's
            return redirect(reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[object_id]))

    def get_actions(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:  # Django 6 adds the place
        actions = super().get_actions(request, *args, **kwargs)  # type: ignore[misc]  # ModelAdmin's
        if "delete_selected" in actions:
            work, name, words = actions["delete_selected"]
            actions["delete_selected"] = (_whole(work), name, words)
        return actions


@contextmanager
def _guarded(guard: GuardedDeletionMixin, rows: Sequence[Any]) -> Iterator[None]:
    """A transaction that begins with the check; a use that only the database has seen refuses likewise."""
    try:
        with transaction.atomic():
            guard.check_deletion(rows)
            yield
    except IntegrityError as exc:
        raise PartInUse([]) from exc


def _whole(work: Callable[..., Any]) -> Callable[..., Any]:
    """Django's bulk deletion as one transaction: refused, it leaves no entry in the log of the admin either."""

    @wraps(work)
    def deleted(modeladmin: Any, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        try:
            with transaction.atomic():
                answer: HttpResponse | None = work(modeladmin, request, queryset)
                return answer
        except ApiError as exc:
            modeladmin.message_user(request, exc.text(), messages.ERROR)
            return None

    return deleted


class UsedByMixin(GuardedDeletionMixin):
    """Stands before `ModelAdmin`: a card "Used by" on the page, a column in the list, no deletion while in use."""

    usage_kind: ClassVar[Kind]
    change_form_before_template = "admin/usage/head.html"

    def usage_key(self, obj: Any) -> str:
        """The name by which others use `obj`."""
        return str(obj.key)

    def usage_parts(self, obj: Any) -> tuple[Kind, list[tuple[str, str]]]:
        """What the card shows the uses of: a kind, and label and key of each part. One part needs no label."""
        return self.usage_kind, [("", self.usage_key(obj))]

    def check_deletion(self, rows: Sequence[Any]) -> None:
        usage.refuse_used(self.usage_kind, [self.usage_key(row) for row in rows])

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, obj: Any = None, **kwargs: Any) -> Any:
        if obj is not None and usage.may_read_uses(request.user):
            context["used_by"] = self._card(request, obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)  # type: ignore[misc]  # ModelAdmin's

    def _card(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        kind, parts = self.usage_parts(obj)
        found = usage.uses_of_kind(kind)
        used = [(label, found[key], _is_older(found[key])) for label, key in parts if key in found]
        everyone = usage.distinct(use for _label, uses, _older in used for use in uses)
        return {
            "parts": used,
            "features": everyone,
            "unused": [label for label, key in parts if label and key not in found],
            "menus": sorted({use.menu for use in everyone if use.menu}),
            "roles": sorted({role for use in everyone for role in use.roles}),
            "everybody": any(not use.roles for use in everyone),
            "free": FREE.get(
                kind, _("No feature uses this yet. It can be changed and deleted without touching anybody.")
            ),
            "older": OLDER.get(kind, ""),
            "may_publish": usage.may_publish(request.user),
        }

    def get_list_display(self, request: HttpRequest) -> Any:
        shown = super().get_list_display(request)  # type: ignore[misc]  # ModelAdmin's
        return [*shown, self._column()] if usage.may_read_uses(request.user) else shown

    def _column(self) -> Callable[[Any], str]:
        """One look-up for the whole list, made when its first row is shown."""
        found: list[dict[str, list[Use]]] = []

        @admin.display(description=_("used by"))
        def used_by(obj: Any) -> str:
            if not found:
                found.append(usage.uses_of_kind(self.usage_kind))
            count = len(found[0].get(self.usage_key(obj), []))
            words = ngettext("%(count)s feature", "%(count)s features", count)
            return words % {"count": count} if count else "—"

        return used_by


def _is_older(uses: Sequence[Use]) -> bool:
    return not all(use.current for use in uses)


class KeptNameForm(forms.ModelForm[Any]):
    """A name by which others find this cannot change while they do."""

    kept_name: ClassVar[str] = "key"
    usage_kind: ClassVar[Kind]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.instance.pk and self.kept_name in self.changed_data:
            refuse_in_form(self, self.kept_name, self.usage_kind, [str(self.initial[self.kept_name])])
        return cleaned


def refuse_in_form(form: forms.BaseForm, field: str, kind: Kind, keys: Sequence[str]) -> None:
    """An error on `field` when something uses one of the parts."""
    try:
        usage.refuse_used(kind, keys)
    except PartInUse as exc:
        form.add_error(field, exc.text())
