from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ProvidersConfig(AppConfig):
    name = "apps.providers"
    label = "providers"
    verbose_name = _("Models")

    def ready(self) -> None:
        from apps.accounts.keys.known import use_known
        from apps.accounts.keys.spending import use_spending
        from apps.core import crypto, timers
        from apps.core.lane.app import register
        from apps.providers.budgets.lapse import lapse_due
        from apps.providers.budgets.of_keys import spent_by_keys
        from apps.providers.catalogue import model_names
        from apps.providers.faces.feed import ROUTE as UI_MODELS
        from apps.providers.faces.routes import ROUTES
        from apps.providers.models import Secret
        from apps.providers.services.health import sweep
        from apps.providers.usage.consumer import write_pending
        from apps.providers.usage.ledger import purge

        crypto.register(crypto.Sealed("providers.secret", Secret.objects.all))
        timers.register("providers.checks", seconds=30, work=sweep)

        for route in [*ROUTES, UI_MODELS]:
            register(route)
        timers.register("usage.write", seconds=1, work=write_pending)
        timers.register("usage.purge", seconds=3600, work=purge)
        timers.register("budgets.lapse", seconds=15, work=lapse_due)
        use_spending(spent_by_keys)
        use_known("models", model_names)
