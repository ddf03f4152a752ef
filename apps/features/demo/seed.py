"""Fills a new installation: people, models, tools, and features to see, run and publish. Safe to repeat."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group

from apps.accounts.models import User
from apps.accounts.roles import STAFF, Role
from apps.core.publishing.services import live_snapshot
from apps.features.demo import copywriter, product_photo, shop_thumbnail
from apps.features.models import Feature, MenuGroup
from apps.features.publishing import SCOPE
from apps.features.services import publish_feature
from apps.mcp import services as mcp
from apps.mcp.models import Server, Tool
from apps.pipelines.models import Pipeline
from apps.prompts.models import Prompt
from apps.providers import services as providers
from apps.providers.models import Endpoint, Offer

DEMO_USERS = {"operator": Role.ADMIN, "editor": Role.EDITOR, "viewer": Role.VIEWER, "member": Role.MEMBER}
GROUPS = {
    "images": {"title": "Images", "title_zh": "图片", "order": 10},
    "writing": {"title": "Writing", "title_zh": "文案", "order": 20},
}
RELEASED = (product_photo.FEATURE["key"], copywriter.FEATURE["key"])


@dataclass
class Credentials:
    """What to tell the person at the terminal; a password is None when it was set at an earlier run."""

    admin_password: str | None = None
    admin_must_change: bool = False
    demo: dict[str, str | None] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        admin = {"username": "admin", "password": self.admin_password, "must_change": self.admin_must_change}
        return {"admin": admin, "demo": self.demo}


def seed(*, admin_password: str = "", demo_password: str = "") -> Credentials:
    """Create what is missing; what is there stays as it is."""
    told = Credentials()
    admin = _admin(told, admin_password)
    _demo_users(told, demo_password)
    _models(by=admin)
    _tools(by=admin)
    _features(by=admin)
    return told


def reset_admin_password(password: str = "") -> Credentials:
    """A new password for `admin`: the given one, or a one-time one that has to be changed."""
    told = Credentials()
    admin = User.objects.get(username="admin")
    _set_password(admin, told, password)
    return told


def _admin(told: Credentials, password: str) -> User:
    admin, created = User.objects.get_or_create(
        username="admin", defaults={"is_staff": True, "is_superuser": True, "password": "!"}
    )
    if created or (password and not admin.check_password(password)):
        _set_password(admin, told, password)
    told.admin_must_change = admin.must_change_password
    return admin


def _set_password(admin: User, told: Credentials, password: str) -> None:
    told.admin_password = password or secrets.token_urlsafe(12)
    admin.set_password(told.admin_password)
    admin.must_change_password = told.admin_must_change = not password
    admin.save()


def _demo_users(told: Credentials, password: str) -> None:
    fresh = password or secrets.token_urlsafe(9)
    for username, role in DEMO_USERS.items():
        user, created = User.objects.get_or_create(
            username=username, defaults={"is_staff": role in STAFF, "password": "!"}
        )
        if created:
            user.groups.add(Group.objects.get(name=role.value))
        if created or (password and not user.check_password(password)):
            user.set_password(fresh)
            user.save()
        told.demo[username] = fresh if created or password else None


def _models(*, by: User) -> None:
    mock, new_mock = Endpoint.objects.get_or_create(
        key="mock", defaults={"name": "Mock (built in)", "handler_key": "mock", "priority": 1000}
    )
    if new_mock:
        Offer.objects.create(endpoint=mock, model="paiban-mock", capabilities=["chat"])
    openai, new_openai = Endpoint.objects.get_or_create(
        key="openai",
        defaults={
            "name": "OpenAI or compatible",
            "handler_key": "openai",
            "base_url": "https://api.openai.com/v1",
            "priority": 10,
        },
    )
    if new_openai:
        Offer.objects.create(endpoint=openai, model="gpt-4o-mini", capabilities=["chat"], context_window=128_000)
    providers.release_catalogue(by=by)


def _tools(*, by: User) -> None:
    server, _created = Server.objects.get_or_create(
        key="image-tools", defaults={"name": "Image tools", "catalogue_id": "image-tools"}
    )
    mcp.release_catalogue(by=by)
    if not Tool.objects.filter(server=server, allowed=True).exists():
        mcp.allow_tools(server, by=by)


def _features(*, by: User) -> None:
    Prompt.objects.get_or_create(key=copywriter.PROMPT["key"], defaults=copywriter.PROMPT)
    menus = {key: MenuGroup.objects.get_or_create(key=key, defaults=words)[0] for key, words in GROUPS.items()}
    _feature(product_photo.FEATURE, product_photo.PIPELINE, menus["images"], release_by=by)
    _feature(copywriter.FEATURE, copywriter.PIPELINE, menus["writing"], release_by=by)
    _feature(shop_thumbnail.FEATURE, shop_thumbnail.PIPELINE, menus["images"], release_by=None)


def _feature(wanted: dict[str, Any], graph: dict[str, Any], menu: MenuGroup, *, release_by: User | None) -> None:
    pipeline, _created = Pipeline.objects.get_or_create(key=graph["key"], defaults=graph)
    Feature.objects.get_or_create(key=wanted["key"], defaults={**wanted, "menu": menu, "pipeline": pipeline})
    if release_by is not None and live_snapshot(SCOPE, wanted["key"]) is None:
        publish_feature(wanted["key"], by=release_by, note="First release")
