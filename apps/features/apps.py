from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FeaturesConfig(AppConfig):
    name = "apps.features"
    label = "features"
    verbose_name = _("Features")

    def ready(self) -> None:
        from apps.accounts.effective import use_catalogue
        from apps.accounts.keys.known import use_known
        from apps.core import references
        from apps.core.lane.app import register as register_route
        from apps.core.publishing import usage
        from apps.core.publishing.registry import listen, register
        from apps.features import answers, ofrep, receivers
        from apps.features.effective import feature_keys, usable
        from apps.features.grants import GrantsKind
        from apps.features.publishing import SCOPE, FeatureKind, number_prompts
        from apps.features.ui import ROUTES
        from apps.features.usage import FeatureFinder

        register(FeatureKind())
        listen(SCOPE, number_prompts)
        usage.register("features", FeatureFinder())
        register(GrantsKind())
        receivers.connect()
        use_catalogue(usable)
        use_known("features", feature_keys)
        references.register("docs/ui-schema.json", answers.document)
        for route in [*ROUTES, *ofrep.ROUTES]:
            register_route(route)
