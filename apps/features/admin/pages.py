"""What the pages of one feature share: the tab bar, the badge, who may open them."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core import grants
from apps.core.config.processes import wait_until_propagated
from apps.core.publishing import services as publishing
from apps.features.models import Feature
from apps.features.publishing import SCOPE
from apps.features.standing import standing

WAIT_SECONDS = 2.0  # an operator who presses a button waits no longer for the last process


class FeaturePages:
    """Stands before `ModelAdmin`: helpers of the pages that it does not have itself."""

    def has_publish_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "publish", obj)  # type: ignore[attr-defined, no-any-return]  # of rights on rows

    def has_rollback_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "rollback", obj)  # type: ignore[attr-defined, no-any-return]  # of rights on rows

    def feature_of(self, request: HttpRequest, pk: int, *permissions: str) -> Feature:
        """The feature that a page is about, for who has one of `permissions`.

        Raises `Http404` for who may not see it, `PermissionDenied` for who may not do this to it.
        """
        rows = grants.permitted(Feature.objects.select_related("menu", "pipeline"), request.user)
        feature: Feature = get_object_or_404(rows, pk=pk)
        if not any(getattr(self, f"has_{name}_permission")(request, feature) for name in permissions):
            raise PermissionDenied
        return feature

    def page_context(self, request: HttpRequest, feature: Feature, tab: str) -> dict[str, Any]:
        """What the head of every page shows. Raises nothing."""
        return {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]  # ModelAdmin's
            "title": str(feature),
            "opts": Feature._meta,
            "feature": feature,
            "original": feature,
            **self.head_context(request, feature, tab),
        }

    def head_context(self, request: HttpRequest, feature: Feature, tab: str) -> dict[str, Any]:
        """The tab bar, the badge, and what this person may do."""
        return {
            "tabs": tabs_of(feature, tab),
            "standing": standing(feature),
            "may": {
                "change": self.has_change_permission(request, feature),  # type: ignore[attr-defined]  # ModelAdmin's
                "publish": self.has_publish_permission(request, feature),
                "roll_back": self.has_rollback_permission(request, feature),
                "delete": self.has_delete_permission(request, feature),  # type: ignore[attr-defined]  # ModelAdmin's
            },
        }

    def tell(self, request: HttpRequest, words: str) -> None:
        """A success, in words."""
        self.message_user(request, words, messages.SUCCESS)  # type: ignore[attr-defined]  # ModelAdmin's

    def refuse(self, request: HttpRequest, form: Form) -> None:
        """What is wrong with what was sent."""
        for errors in form.errors.values():
            for words in errors:
                self.message_user(request, words, messages.ERROR)  # type: ignore[attr-defined]  # ModelAdmin's


def tabs_of(feature: Feature, active: str) -> list[dict[str, Any]]:
    """The tab bar of a feature's pages."""
    names = {"change": _("Edit"), "access": _("Access"), "release": _("Release"), "try": _("Try it")}
    return [
        {
            "title": title,
            "url": reverse(f"admin:features_feature_{name}", args=[feature.pk]),
            "active": name == active,
        }
        for name, title in names.items()
    ]


def reach(key: str) -> str:
    """How far the latest change of `key` has come, in words; waits for it a little."""
    head = publishing.head_of(SCOPE, key)
    told = wait_until_propagated(head.revision if head else 0, timeout=WAIT_SECONDS)
    if told.behind == ["redis"]:
        return _("Redis is away: every process sees it by itself within five seconds.")
    if not told.complete:
        words = _("%(current)s of %(count)s processes serve it already; the others follow within seconds.")
        return words % {"current": told.processes - len(told.behind), "count": told.processes}
    if not told.processes:
        return _("Every front end shows it now.")
    words = ngettext(
        "Every front end shows it now: %(count)s process serves it after %(ms)s ms.",
        "Every front end shows it now: %(count)s processes serve it after %(ms)s ms.",
        told.processes,
    )
    return words % {"count": told.processes, "ms": max(1, round(told.seconds * 1000))}
