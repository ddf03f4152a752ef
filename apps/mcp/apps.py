from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class McpConfig(AppConfig):
    name = "apps.mcp"
    label = "mcp"
    verbose_name = _("Tools")

    def ready(self) -> None:
        from apps.core import notices
        from apps.mcp import alerts

        notices.register(alerts.notice)
