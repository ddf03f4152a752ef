from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "apps.core"
    label = "core"
    verbose_name = _("Core")

    def ready(self) -> None:
        from apps.core import checks, logging, notices  # noqa: F401 - registers the system checks
        from apps.core.policy import checks as policy_checks  # noqa: F401 - likewise

        _register_timers()
        notices.register(notices.policy_mode)
        logging.configure(fmt=settings.LOG_FORMAT, level=settings.LOG_LEVEL)
        _register_references()


def _register_timers() -> None:
    from apps.core import timers
    from apps.core.publishing import services

    timers.register("publishing.plans", seconds=1, work=services.run_due_plans)
    timers.register("publishing.rollouts", seconds=5, work=services.stop_failing_rollouts)


def _register_references() -> None:
    from apps.core.references import commands, environment, errors, openapi, register

    register("docs/openapi.yaml", openapi.build)
    register("docs/errors.md", errors.page)
    register("docs/error-codes.json", errors.document)
    register("docs/commands.md", commands.build)
    register("docs/settings.md", environment.build)
