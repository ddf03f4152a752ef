"""Celery tasks of accounts."""

from celery import shared_task

from apps.accounts import services


@shared_task(name="accounts.purge_tokens")
def purge_tokens() -> None:
    """Drop lapsed refresh tokens."""
    services.purge_tokens()
