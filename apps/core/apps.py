from django.apps import AppConfig
from django.conf import settings


class CoreConfig(AppConfig):
    name = "apps.core"
    label = "core"

    def ready(self) -> None:
        from apps.core import checks, logging  # noqa: F401 - registers the system checks

        logging.configure(fmt=settings.LOG_FORMAT, level=settings.LOG_LEVEL)
        _register_references()


def _register_references() -> None:
    from apps.core.references import commands, environment, errors, openapi, register

    register("docs/openapi.yaml", openapi.build)
    register("docs/errors.md", errors.page)
    register("docs/error-codes.json", errors.document)
    register("docs/commands.md", commands.build)
    register("docs/settings.md", environment.build)
