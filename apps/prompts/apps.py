from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PromptsConfig(AppConfig):
    name = "apps.prompts"
    label = "prompts"
    verbose_name = _("Prompts")

    def ready(self) -> None:
        from apps.core import timers
        from apps.prompts.services.runs import sweep_runs

        timers.register("prompts.runs", seconds=2, work=sweep_runs)
