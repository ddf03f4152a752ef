"""Who was given which feature to run, whatever its roles: released as configuration, for the paths without a query.

The rows are django-guardian's (`run_feature` on one feature) and Django's own (`run_feature` on all of them). Whenever
one changes, the whole small table is released again in the same transaction.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from guardian.models import GroupObjectPermission, UserObjectPermission

from apps.core.config import Person
from apps.core.publishing import services as publishing
from apps.core.publishing.registry import Problem

SCOPE: Final = "access"
KEY: Final = "grants"
SCHEMA: Final = 1
EVERY: Final = "*"  # stands for all features; no feature's key can be this
RUN: Final = "run_feature"

Grants = dict[str, dict[str, list[str]]]


class GrantsKind:
    """`core.publishing.Publishable` for the table of grants. It has no drafts: what is granted is live."""

    scope = SCOPE

    def collect(self, key: str) -> dict[str, Any]:
        return collect()

    def check(self, key: str, payload: dict[str, Any], live: dict[str, Any] | None) -> list[Problem]:
        return []

    def load(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Raises `ValueError` for a shape that this code does not know."""
        if payload.get("schema") != SCHEMA or not isinstance(payload.get("run"), dict):
            raise ValueError(f"grants of schema {payload.get('schema')!r}, not {SCHEMA}")
        return payload


def collect() -> dict[str, Any]:
    """The payload: users by number, groups by name, for each feature that was granted to somebody."""
    found: Grants = {}
    for kind, key, name in [*_for_all(), *_for_one()]:
        found.setdefault(key, {"users": [], "groups": []})[kind].append(name)
    run = {key: {kind: sorted(set(names)) for kind, names in kinds.items()} for key, kinds in sorted(found.items())}
    return {"schema": SCHEMA, "run": run}


def release_grants(*, by: Any, note: str = "") -> None:
    """Make what is granted now live, unless it is already. Idempotent; belongs into the change's transaction.

    Concurrency: the rows are read under the release's lock, so of two grants at once the later release holds both.
    """
    if publishing.head_of(SCOPE, KEY) is not None or collect()["run"]:
        publishing.release(SCOPE, KEY, collect, by=by, note=note)


@dataclass(frozen=True)
class Index:
    """The released table from the person's side."""

    users: Mapping[str, frozenset[str]] = field(default_factory=dict)
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def granted_to(self, person: Person) -> frozenset[str]:
        """The keys of the features that `person` was given, directly or through a group."""
        through = (self.groups[name] for name in person.roles if name in self.groups)
        return self.users.get(person.id, frozenset()).union(*through)


_indexes: dict[int, tuple[Mapping[str, Any], Index]] = {}


def index_of(version: int, payload: Mapping[str, Any]) -> Index:
    """The index of one released version; the last one is kept, as reading it happens on every request."""
    kept = _indexes.get(version)
    if kept is None or kept[0] is not payload:
        kept = payload, Index(_inverted(payload["run"], "users"), _inverted(payload["run"], "groups"))
        _indexes.clear()
        _indexes[version] = kept
    return kept[1]


def _inverted(run: Mapping[str, Mapping[str, Iterable[str]]], kind: str) -> dict[str, frozenset[str]]:
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for key, kinds in run.items():
        for name in kinds.get(kind, ()):
            keys[name].add(key)
    return {name: frozenset(found) for name, found in keys.items()}


def _for_all() -> Iterable[tuple[str, str, str]]:
    """Who holds the permission on all features."""
    for permission in Permission.objects.filter(content_type__app_label="features", codename=RUN):
        for pk in permission.user_set.values_list("pk", flat=True):
            yield "users", EVERY, str(pk)
        for name in permission.group_set.values_list("name", flat=True):
            yield "groups", EVERY, name


def _for_one() -> Iterable[tuple[str, str, str]]:
    from apps.features.models import Feature

    about = {"content_type": ContentType.objects.get_for_model(Feature), "permission__codename": RUN}
    users = list(UserObjectPermission.objects.filter(**about).values_list("object_pk", "user_id"))
    groups = list(GroupObjectPermission.objects.filter(**about).values_list("object_pk", "group__name"))
    wanted = {pk for pk, _who in [*users, *groups]}
    keys = {str(pk): key for pk, key in Feature.objects.filter(pk__in=wanted).values_list("pk", "key")}
    yield from (("users", keys[pk], str(who)) for pk, who in users if pk in keys)
    yield from (("groups", keys[pk], name) for pk, name in groups if pk in keys)
