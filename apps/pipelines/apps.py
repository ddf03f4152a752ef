from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PipelinesConfig(AppConfig):
    name = "apps.pipelines"
    label = "pipelines"
    verbose_name = _("Pipelines")

    def ready(self) -> None:
        from apps.core.references import register
        from apps.core.storage import holders
        from apps.pipelines import references
        from apps.pipelines.services.files import held_files

        register("docs/nodes.md", references.build)
        holders.register("pipelines", held_files)
