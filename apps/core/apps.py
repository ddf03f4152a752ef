from django.apps import AppConfig
from django.conf import settings


class CoreConfig(AppConfig):
    name = "apps.core"
    label = "core"

    def ready(self) -> None:
        from apps.core import checks, logging  # noqa: F401 - registers the system checks

        logging.configure(fmt=settings.LOG_FORMAT, level=settings.LOG_LEVEL)
