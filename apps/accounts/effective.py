"""What a person may do, and where each right comes from: for the page in the admin, and for oneself through the API."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from django.conf import settings
from guardian.models import GroupObjectPermission, UserObjectPermission

from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.core.policy import ACTIONS, Policy, Resource, policy

Kind = Literal["superuser", "role", "group", "direct"]
ROLE_NAMES: Final = frozenset(role.value for role in Role)


@dataclass(frozen=True)
class Source:
    """Where a right comes from; `name` is the role's or group's, and empty for the other kinds."""

    kind: Kind
    name: str = ""


@dataclass(frozen=True)
class Held:
    """One right of the policy file. It is held when it has a source."""

    right: str
    action: str
    sources: tuple[Source, ...]

    @property
    def allowed(self) -> bool:
        return bool(self.sources)


@dataclass(frozen=True)
class Line:
    """One resource, with every action that it offers."""

    resource: str
    rights: tuple[Held, ...]


@dataclass(frozen=True)
class Granted:
    """One right on a single row."""

    kind: str
    key: str
    title: str
    right: str
    via: Source


@dataclass(frozen=True)
class Usable:
    """One released thing: whether the person sees it and may run it, and why.

    `because` is `everybody`, `role`, `granted`, `off` or `no-role`.
    """

    key: str
    title: str
    version: int
    visible: bool
    run: bool
    because: str


@dataclass(frozen=True)
class Effective:
    """Everything that one person may do. `counts` says whether rights on the admin count at all (active staff)."""

    roles: tuple[str, ...]
    staff: bool
    superuser: bool
    active: bool
    mode: str
    matrix: tuple[Line, ...]
    grants: tuple[Granted, ...]
    features: tuple[Usable, ...]

    @property
    def counts(self) -> bool:
        return self.active and (self.staff or self.superuser)


Catalogue = Callable[[User], list[Usable]]
_catalogue: list[Catalogue] = []


def use_catalogue(catalogue: Catalogue) -> None:
    """Set what lists the released things a person can use; the features app does, at start."""
    _catalogue[:] = [catalogue]


def effective(user: User) -> Effective:
    """What `user` may do now. A constant number of queries."""
    counts = user.is_active and user.is_staff
    return Effective(
        roles=tuple(sorted(user.role_names)),
        staff=user.is_staff,
        superuser=user.is_superuser,
        active=user.is_active,
        mode=settings.POLICY_MODE,
        matrix=tuple(_matrix(policy(), _sources(user) if counts else {})),
        grants=tuple(_grants(user)) if user.is_active else (),
        features=tuple(_catalogue[0](user)) if _catalogue and user.is_active else (),
    )


def _matrix(known: Policy, sources: dict[str, list[Source]]) -> Iterator[Line]:
    everything = sources.get("*", [])
    for resource in known.resources.values():
        rights = (_held(known, resource, action, sources, everything) for action in resource.actions)
        yield Line(resource.name, tuple(rights))


def _held(
    known: Policy, resource: Resource, action: str, sources: dict[str, list[Source]], everything: list[Source]
) -> Held:
    right = f"{resource.name}:{action}"
    return Held(right, action, tuple(everything + sources.get(known.permission(right), [])))


def _sources(user: User) -> dict[str, list[Source]]:
    """For each Django permission, where `user` has it from; `*` stands for every one."""
    if user.is_superuser:
        return {"*": [Source("superuser")]}
    found: dict[str, list[Source]] = {}
    for group in user.groups.order_by("name").prefetch_related("permissions__content_type"):
        source = _through(group.name)
        for permission in group.permissions.all():
            found.setdefault(f"{permission.content_type.app_label}.{permission.codename}", []).append(source)
    for permission in user.user_permissions.select_related("content_type"):
        found.setdefault(f"{permission.content_type.app_label}.{permission.codename}", []).append(Source("direct"))
    return found


def _through(group: str) -> Source:
    return Source("role" if group in ROLE_NAMES else "group", group)


def _grants(user: User) -> Iterator[Granted]:
    direct = UserObjectPermission.objects.filter(user=user)
    through = GroupObjectPermission.objects.filter(group__in=user.groups.all()).select_related("group")
    for rows in (direct, through):
        for row in rows.select_related("permission", "content_type").prefetch_related("content_object").order_by("pk"):
            if row.content_object is not None:
                yield _granted(row)


def _granted(row: UserObjectPermission | GroupObjectPermission) -> Granted:
    group = getattr(row, "group", None)
    thing = row.content_object
    kind = row.content_type.model
    return Granted(
        kind=kind,
        key=str(getattr(thing, "key", thing.pk)),
        title=str(thing),
        right=_right(f"{row.content_type.app_label}.{kind}", row.permission.codename),
        via=Source("direct") if group is None else _through(group.name),
    )


def _right(model: str, codename: str) -> str:
    """The right behind a permission's name; a permission that the policy does not know keeps its own."""
    resource = policy().resource_of(model)
    verb = codename.split("_", 1)[0]
    found = (action for action in (resource.actions if resource else ()) if ACTIONS[action] == verb)
    action = next(found, None)
    return f"{resource.name}:{action}" if resource and action else codename
