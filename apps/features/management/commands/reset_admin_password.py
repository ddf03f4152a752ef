"""`manage.py reset_admin_password`: a new one-time password for `admin`."""

import os
from typing import Any

from django.core.management.base import BaseCommand

from apps.features.demo.seed import reset_admin_password


class Command(BaseCommand):
    help = "Give the user admin a new password: PAIBAN_ADMIN_PASSWORD, or a one-time one that is printed."

    def handle(self, *args: Any, **options: Any) -> None:
        told = reset_admin_password(os.environ.get("PAIBAN_ADMIN_PASSWORD", ""))
        self.stdout.write(f"admin: {told.admin_password}")
