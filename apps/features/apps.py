from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FeaturesConfig(AppConfig):
    name = "apps.features"
    label = "features"
    verbose_name = _("Features")

    def ready(self) -> None:
        from apps.core.lane.app import register as register_route
        from apps.core.publishing import usage
        from apps.core.publishing.registry import register
        from apps.features.publishing import FeatureKind
        from apps.features.ui import ROUTES
        from apps.features.usage import FeatureFinder

        register(FeatureKind())
        usage.register("features", FeatureFinder())
        for route in ROUTES:
            register_route(route)
