"""How Django Admin looks: theme, colours, navigation."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

# Cyan, as on the storefront; 600 is dark enough for white text on it (WCAG AA).
CYAN = {
    "50": "oklch(98.4% .019 200.873)",
    "100": "oklch(95.6% .045 203.388)",
    "200": "oklch(91.7% .08 205.041)",
    "300": "oklch(86.5% .127 207.078)",
    "400": "oklch(78.9% .154 211.53)",
    "500": "oklch(65% .135 218)",
    "600": "oklch(52% .105 223.128)",
    "700": "oklch(45% .085 224.283)",
    "800": "oklch(39.8% .07 227.392)",
    "900": "oklch(34% .063 228.5)",
    "950": "oklch(30.2% .056 229.695)",
}


def _item(title: Any, icon: str, model: str) -> dict[str, Any]:
    app, name = model.split(".")

    def shown(request: HttpRequest) -> bool:
        """As the list itself decides: a grant on a single row is enough."""
        from django.apps import apps
        from django.contrib import admin

        return admin.site.get_model_admin(apps.get_model(model)).has_view_or_change_permission(request)

    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": shown,
    }


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Paiban",
    "SITE_HEADER": "Paiban 排版",
    "SITE_SUBHEADER": _("Arrange, publish, undo"),
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("favicon.svg")}],
    "SITE_SYMBOL": "dashboard_customize",
    "SHOW_HISTORY": True,
    "SHOW_LANGUAGES": True,
    "DASHBOARD_CALLBACK": "apps.features.dashboard.dashboard",
    "BORDER_RADIUS": "8px",
    "STYLES": [lambda request: static("paiban/admin.css")],
    "SCRIPTS": [lambda request: static("paiban/admin.js")],
    "COLORS": {"primary": CYAN},
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "title": _("Publish"),
                "items": [
                    {"title": _("Dashboard"), "icon": "home", "link": reverse_lazy("admin:index")},
                    _item(_("Features"), "dashboard_customize", "features.feature"),
                    _item(_("Menu groups"), "menu", "features.menugroup"),
                ],
            },
            {
                "title": _("Parts"),
                "items": [
                    _item(_("Pipelines"), "account_tree", "pipelines.pipeline"),
                    _item(_("Prompts"), "edit_note", "prompts.prompt"),
                    _item(_("Models"), "neurology", "providers.endpoint"),
                    _item(_("Tools"), "construction", "mcp.server"),
                ],
            },
            {
                "title": _("Run"),
                "items": [
                    _item(_("Tasks"), "checklist", "tasks.task"),
                    _item(_("Credits"), "toll", "quotas.account"),
                    _item(_("Budgets for models"), "savings", "quotas.userbudget"),
                    {
                        "title": _("Use of models"),
                        "icon": "bar_chart",
                        "link": reverse_lazy("usage"),
                        "permission": lambda request: request.user.has_perm("providers.view_usageday"),
                    },
                    {
                        "title": _("Status"),
                        "icon": "monitor_heart",
                        "link": reverse_lazy("status"),
                        "permission": lambda request: request.user.has_perm("core.view_release"),
                    },
                ],
            },
            {
                "title": _("People"),
                "items": [
                    _item(_("Users"), "person", "accounts.user"),
                    _item(_("Roles"), "group", "auth.group"),
                    _item(_("API keys"), "key", "accounts.apikey"),
                ],
            },
        ],
    },
}
