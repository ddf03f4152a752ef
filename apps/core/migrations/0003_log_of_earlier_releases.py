"""The log of releases begins with what was released before there was a log."""

from typing import Any

from django.db import migrations

BATCH = 500


def write_log(apps: Any, schema_editor: Any) -> None:
    """One row for each snapshot, in the order they were made: until now each of them went live for everybody."""
    Snapshot, Release = apps.get_model("core", "Snapshot"), apps.get_model("core", "Release")
    live: dict[tuple[str, str], int] = {}
    rows = []
    for revision, snapshot in enumerate(Snapshot.objects.order_by("id").defer("body").iterator(BATCH), start=1):
        address = (snapshot.scope, snapshot.key)
        rows.append(
            Release(
                scope=snapshot.scope,
                key=snapshot.key,
                action="rollback" if snapshot.restored_from else "publish",
                from_version=live.get(address, 0),
                to_version=snapshot.version,
                details={"restored": snapshot.restored_from} if snapshot.restored_from else {},
                revision=revision,
                by_id=snapshot.author_id,
                note=snapshot.note,
            )
        )
        live[address] = snapshot.version
    Release.objects.bulk_create(rows, batch_size=BATCH)
    for release, at in zip(rows, Snapshot.objects.order_by("id").values_list("created_at", flat=True), strict=True):
        Release.objects.filter(revision=release.revision).update(at=at)  # auto_now_add wrote the time of today


class Migration(migrations.Migration):
    dependencies = [("core", "0002_releases_and_plans")]
    operations = [migrations.RunPython(write_log, migrations.RunPython.noop)]
