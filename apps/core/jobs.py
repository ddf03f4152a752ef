"""Celery tasks of core."""

from celery import shared_task

from apps.core.storage import services


@shared_task(name="core.purge_expired")
def purge_expired() -> None:
    """Drop files past their time, and what was left in the scratch folder."""
    while services.purge_expired():
        pass
    services.purge_work_dir()
