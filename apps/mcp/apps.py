import logging

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class McpConfig(AppConfig):
    name = "apps.mcp"
    label = "mcp"
    verbose_name = _("Tools")

    def ready(self) -> None:
        from apps.core import crypto, notices
        from apps.mcp import alerts
        from apps.mcp.models import Secret

        _hush_the_sdk()
        crypto.register(crypto.Sealed("mcp.secret", Secret.objects.all))
        notices.register(alerts.notice)


def _hush_the_sdk() -> None:
    """It logs what servers send, with tracebacks: foreign text, tokens that a server sends back. Errors are ours."""
    for name in ("mcp.client", "mcp.shared", "client", "websockets"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
