from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProvidersConfig(AppConfig):
    name = "apps.providers"
    label = "providers"
    verbose_name = _("Models")

    def ready(self) -> None:
        from apps.core.lane.app import register
        from apps.providers.faces.routes import ROUTES

        for route in ROUTES:
            register(route)
