"""A key that was entered before belongs to the address that its endpoint has now."""

from typing import Any

from django.db import migrations


def keep_addresses(apps: Any, schema_editor: Any) -> None:
    """Keys are few: one for each endpoint."""
    secret_model = apps.get_model("providers", "Secret")
    for secret in secret_model.objects.filter(address="").select_related("endpoint").iterator():
        address = f"{secret.endpoint.handler_key} {secret.endpoint.base_url}"
        secret_model.objects.filter(pk=secret.pk).update(address=address)


class Migration(migrations.Migration):
    dependencies = [("providers", "0003_keys_with_addresses_and_health")]
    operations = [migrations.RunPython(keep_addresses, migrations.RunPython.noop)]
