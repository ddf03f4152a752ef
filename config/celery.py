"""The Celery application. Messages only wake workers up; the database says what there is to do."""

import os
from typing import Any

import structlog
from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")

import django

django.setup()

from django.conf import settings

app = Celery("paiban")
app.conf.update(settings.CELERY)
app.autodiscover_tasks(related_name="jobs")
app.set_default()


@signals.setup_logging.connect
def _keep_our_logging(**kwargs: Any) -> None:
    """Celery would otherwise replace the handlers that structlog was given."""


@signals.worker_process_init.connect
@signals.worker_ready.connect
def _follow_the_configuration(**kwargs: Any) -> None:
    """From the start, not from the first task: a worker that lives is on the list of processes."""
    from apps.core.config.subscriber import ensure_subscribed

    ensure_subscribed()


@signals.task_prerun.connect
def _bind_request_id(task: Any = None, **kwargs: Any) -> None:
    structlog.contextvars.clear_contextvars()
    request_id = getattr(task.request, "request_id", None) or task.request.id
    structlog.contextvars.bind_contextvars(requestId=request_id, job=task.name)
