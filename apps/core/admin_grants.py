"""Rights on single rows in the admin: lists show what is permitted, pages ask per row, and a page gives such rights."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from guardian.admin import AdminGroupObjectPermissionsForm, AdminUserObjectPermissionsForm, GuardedModelAdminMixin
from unfold.decorators import action
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from apps.core import grants
from apps.core.errors import ApiError
from apps.core.permissions import allows, needs
from apps.core.policy import ACTIONS, policy

WORDS = {
    "read": _("See the draft and its versions"),
    "write": _("Change the draft"),
    "delete": _("Delete"),
    "publish": _("Publish"),
    "rollback": _("Roll back"),
    "run": _("Run it, whatever its roles"),
}


def choices(model: type[Model]) -> list[tuple[str, Any]]:
    """The rights that make sense on one row of `model`: permission names with words."""
    resource = policy().resource_of(model._meta.label_lower)
    offered = resource.actions if resource else ()
    return [(f"{ACTIONS[name]}_{model._meta.model_name}", words) for name, words in WORDS.items() if name in offered]


class _Choices:
    """Stands before guardian's forms: boxes to tick, and only rights that one row can have."""

    obj: Model

    def get_obj_perms_field_choices(self) -> list[tuple[str, Any]]:
        return choices(type(self.obj))

    def get_obj_perms_field_widget(self) -> type[forms.Widget]:
        widget: type[forms.Widget] = UnfoldAdminCheckboxSelectMultipleWidget
        return widget


class UserGrantsForm(_Choices, AdminUserObjectPermissionsForm):
    """What one person may do to one row."""


class GroupGrantsForm(_Choices, AdminGroupObjectPermissionsForm):
    """What one group may do to one row."""


class GrantsMixin(GuardedModelAdminMixin):
    """Stands before `ModelAdmin`. A right on the model opens every row, a grant opens one."""

    change_form_template = None  # the theme's own; a button of ours leads to the page
    obj_perms_manage_template = "admin/grants.html"
    obj_perms_manage_user_template = "admin/grants_form.html"
    obj_perms_manage_group_template = "admin/grants_form.html"
    model: type[Model]

    # --- what may be seen and done ------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return grants.permitted(super().get_queryset(request), request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or self._has_any(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        names = grants.showing(self.model)
        if any(request.user.has_perm(name) for name in names[:2]):
            return True
        row = self._row(request, obj)
        return self._has_any(request) if obj is None else any(request.user.has_perm(name, row) for name in names)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "delete", obj)

    def has_grants_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return allows(request.user, "grants:read")

    def may(self, request: HttpRequest, verb: str, obj: Any = None) -> bool:
        """Whether it is allowed on all rows, or on `obj` (a row, or its key: the theme's buttons have no more)."""
        permission = f"{self.model._meta.app_label}.{get_permission_codename(verb, self.model._meta)}"
        if request.user.has_perm(permission):
            return True
        row = self._row(request, obj)
        return row is not None and request.user.has_perm(permission, row)

    def _has_any(self, request: HttpRequest) -> bool:
        user = request.user
        return user.is_active and user.is_staff and grants.has_any(user, self.model)

    def _row(self, request: HttpRequest, obj: Any) -> Model | None:
        if obj is None or isinstance(obj, Model):
            return obj
        found: Model | None = self.get_object(request, str(obj))
        return found

    # --- the pages that give rights -----------------------------------------------------------

    @needs("grants:read")
    @action(description=_("Rights"), url_path="go-access", permissions=["grants"], icon="lock_person")  # type: ignore[untyped-decorator]
    def open_access(self, request: HttpRequest, object_id: str) -> HttpResponse:
        meta = self.model._meta
        return redirect(f"admin:{meta.app_label}_{meta.model_name}_permissions", object_id)

    @needs("grants:read")
    def obj_perms_manage_view(self, request: HttpRequest, object_pk: str) -> HttpResponse:
        self._require(request, "grants:read")
        page: HttpResponse = super().obj_perms_manage_view(request, object_pk)
        return page

    @needs("grants:write")
    def obj_perms_manage_user_view(self, request: HttpRequest, object_pk: str, user_id: str) -> HttpResponse:
        self._require(request, "grants:write")
        return self._saved(
            request, lambda: super(GrantsMixin, self).obj_perms_manage_user_view(request, object_pk, user_id)
        )

    @needs("grants:write")
    def obj_perms_manage_group_view(self, request: HttpRequest, object_pk: str, group_id: str) -> HttpResponse:
        self._require(request, "grants:write")
        return self._saved(
            request, lambda: super(GrantsMixin, self).obj_perms_manage_group_view(request, object_pk, group_id)
        )

    def _saved(self, request: HttpRequest, work: Callable[[], HttpResponse]) -> HttpResponse:
        """The rights and what is released of them are one transaction; a refusal is told, and nothing was changed."""
        try:
            with transaction.atomic():
                return work()
        except ApiError as exc:
            self.message_user(request, exc.text(), messages.ERROR)
            return redirect(request.path)

    def _require(self, request: HttpRequest, right: str) -> None:
        """Whoever gives rights to rows also has to hold the right to change them."""
        if not (allows(request.user, right) and self.has_change_permission(request)):
            raise PermissionDenied

    def get_obj_perms_manage_user_form(self, request: HttpRequest) -> type[forms.Form]:
        return UserGrantsForm

    def get_obj_perms_manage_group_form(self, request: HttpRequest) -> type[forms.Form]:
        return GroupGrantsForm

    def get_obj_perms_user_select_form(self, request: HttpRequest) -> type[forms.Form]:
        return _plain(super().get_obj_perms_user_select_form(request), "user", _("User name"))

    def get_obj_perms_group_select_form(self, request: HttpRequest) -> type[forms.Form]:
        return _plain(super().get_obj_perms_group_select_form(request), "group", _("Role or group"))

    def get_obj_perms_base_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_obj_perms_base_context(request, obj)
        words = dict(choices(self.model))
        shown = [permission for permission in context["model_perms"] if permission.codename in words]
        for permission in shown:
            permission.name = words[permission.codename]
        shown.sort(key=lambda permission: list(words).index(permission.codename))
        title = _("Access to “%(name)s”") % {"name": obj}
        return context | {"model_perms": shown, "title": title, "adminform": None}


def _plain(form: type[forms.Form], name: str, label: Any) -> type[forms.Form]:
    """Guardian's form to choose a holder by name, under a label of ours."""
    messages = form.base_fields[name].error_messages
    field = forms.CharField(label=label, max_length=150, error_messages=messages)  # as long as Django's names
    return type(form.__name__, (form,), {name: field})
