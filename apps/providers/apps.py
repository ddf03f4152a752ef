from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProvidersConfig(AppConfig):
    name = "apps.providers"
    label = "providers"
    verbose_name = _("Models")

    def ready(self) -> None:
        from apps.core import crypto, timers
        from apps.core.lane.app import register
        from apps.providers.faces.feed import ROUTE as UI_MODELS
        from apps.providers.faces.routes import ROUTES
        from apps.providers.models import Secret
        from apps.providers.services.health import sweep

        crypto.register(crypto.Sealed("providers.secret", Secret.objects.all))
        timers.register("providers.checks", seconds=30, work=sweep)

        for route in [*ROUTES, UI_MODELS]:
            register(route)
