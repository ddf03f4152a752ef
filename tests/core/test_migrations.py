"""Data that migrations move arrives whole."""

from datetime import timedelta
from importlib import import_module

from django.apps import apps
from django.utils import timezone

from apps.core.publishing.canonical import canonical_json, sha256_of
from apps.core.publishing.models import Release, Snapshot


def make_snapshot(key: str, version: int, **fields: object) -> Snapshot:
    payload = {"n": version}
    given = {"body": canonical_json(payload), "sha256": sha256_of(payload), "note": f"v{version}"}
    return Snapshot.objects.create(scope="toy", key=key, version=version, **(given | fields))


def test_log_of_earlier_releases__one_row_for_each_snapshot__in_their_order(db, operator):
    write_log = import_module("apps.core.migrations.0003_log_of_earlier_releases").write_log
    first = make_snapshot("bear", 1, author=operator)
    make_snapshot("duck", 1)
    make_snapshot("bear", 2)
    make_snapshot("bear", 3, restored_from=1)
    long_ago = timezone.now() - timedelta(days=30)
    Snapshot.objects.filter(pk=first.pk).update(created_at=long_ago)

    write_log(apps, None)

    rows = Release.objects.order_by("revision")
    assert [(r.revision, r.key, r.action, r.from_version, r.to_version, r.note) for r in rows] == [
        (1, "bear", "publish", 0, 1, "v1"),
        (2, "duck", "publish", 0, 1, "v1"),
        (3, "bear", "publish", 1, 2, "v2"),
        (4, "bear", "rollback", 2, 3, "v3"),
    ]
    assert (rows[0].by, rows[0].at, rows[3].details) == (operator, long_ago, {"restored": 1})
