"""People in the CMS."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import ManyToManyField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from apps.accounts.effective import ROLE_NAMES, effective
from apps.accounts.keys.admin import ApiKeyAdmin as ApiKeyAdmin  # noqa: PLC0414 - registers itself
from apps.accounts.models import User
from apps.accounts.rights_table import rights_table
from apps.core.admin import column
from apps.core.admin_history import HistoryAdmin
from apps.core.moments import moment
from apps.core.permissions import needs
from apps.core.usage_admin import KeptNameForm, UsedByMixin

admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(HistoryAdmin, DjangoUserAdmin[User], ModelAdmin):
    revertible = False  # names and passwords are not in the history, so no version is whole
    actions_detail = ["open_rights"]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", column("name", _("name")), "email", "is_staff", "is_active", "signed_in_at"]
    list_filter = ["is_active", "is_staff", "groups"]
    search_fields = ["username", "email", "first_name", "last_name"]
    fieldsets = [
        (None, {"fields": ["username", "password", "must_change_password"]}),
        (_("Person"), {"fields": ["first_name", "last_name", "email", "phone"]}),
        (_("Rights"), {"fields": ["is_active", "is_staff", "is_superuser", "groups"]}),
        (_("Dates"), {"fields": ["signed_in_at", "joined_at"]}),
    ]
    readonly_fields = ["signed_in_at", "joined_at"]
    filter_horizontal = []
    formfield_overrides = {ManyToManyField: {"widget": UnfoldAdminCheckboxSelectMultipleWidget}}

    @admin.display(description=_("last login"), ordering="last_login")
    def signed_in_at(self, user: User) -> SafeString:
        return moment(user.last_login)

    @admin.display(description=_("date joined"))
    def joined_at(self, user: User) -> SafeString:
        return moment(user.date_joined)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        own = [] if request.user.is_superuser else ["is_superuser"]
        return [*super().get_readonly_fields(request, obj), *own]

    # Whoever may change people could otherwise take over a superuser by setting a password.

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self._may_touch(request, obj)

    @needs("people:read")
    @action(description=_("What may this user do?"), url_path="rights", permissions=["view"], icon="policy")  # type: ignore[untyped-decorator]
    def open_rights(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Every right with where it comes from, the grants on single features, and the features on the storefront."""
        user = self.get_object(request, object_id)
        if user is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": _("What may %(name)s do?") % {"name": user.name},
            "opts": self.model._meta,
            "original": user,
            "person": user,
            **rights_table(effective(user)),
        }
        return render(request, "admin/accounts/rights.html", context)

    def _may_touch(self, request: HttpRequest, obj: User | None) -> bool:
        return obj is None or not obj.is_superuser or request.user.is_superuser


class RoleForm(KeptNameForm):
    """Releases name a role by its name."""

    kept_name = "name"
    usage_kind = "role"


@admin.register(Group)
class RoleAdmin(UsedByMixin, HistoryAdmin, DjangoGroupAdmin, ModelAdmin):
    """Roles are groups. The built-in ones follow the policy file; others are made here."""

    form = RoleForm
    usage_kind = "role"
    revertible = False

    def usage_key(self, obj: Group) -> str:
        return obj.name

    def get_readonly_fields(self, request: HttpRequest, obj: Group | None = None) -> list[str]:
        return ["name", "permissions"] if obj and obj.name in ROLE_NAMES else []

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        built_in = obj is not None and obj.name in ROLE_NAMES
        return super().has_delete_permission(request, obj) and not built_in
