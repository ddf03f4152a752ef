"""The admin's first page: what is live since when and by whom, what is on its way, what needs a look."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language

from apps.core.grants import permitted
from apps.core.publishing.models import Head, Plan, Release
from apps.core.publishing.services import open_plans
from apps.core.status.fleet import fleet
from apps.features.audience import words
from apps.features.live_since import Since, live_since
from apps.features.models import Feature
from apps.features.publishing import SCOPE
from apps.features.unpublished import unpublished

RECENT = 8
NEWS_DAYS = 3  # how long what went wrong stays on the page


@dataclass(frozen=True)
class Tile:
    """One feature at a glance."""

    feature: Feature
    description: str
    head: Head | None
    since: Since | None
    plans: int
    changed: bool | None  # None: the draft is what is live
    url: str
    release_url: str

    @property
    def live(self) -> int:
        return self.head.version if self.head else 0

    @property
    def candidate(self) -> int | None:
        return self.head.candidate.version if self.head and self.head.candidate else None


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK."""
    if not admin.site.get_model_admin(Feature).has_view_permission(request):
        return context
    features = list(permitted(Feature.objects.select_related("menu", "pipeline"), request.user))
    titles = {feature.key: feature for feature in features}
    plans = [plan for plan in open_plans(SCOPE) if _shown(plan, titles, request)]
    context["catalogue"] = _tiles(features, plans)
    context["plans"] = [(plan, titles.get(plan.key), _release_url(titles.get(plan.key))) for plan in plans]
    log = _log() if _sees_all(request) else _log().filter(key__in=list(titles))
    context["releases"] = [(release, titles.get(release.key)) for release in log[:RECENT]]
    context["warnings"] = [one for one in _warnings(titles) if one["feature"] or _sees_all(request)][:RECENT]
    if request.user.has_perm("core.view_release"):
        context["fleet"] = fleet()
    return context


def _sees_all(request: HttpRequest) -> bool:
    """Also what belongs to features whose draft was deleted."""
    return bool(request.user.has_perm("features.view_feature"))


def _shown(plan: Plan, titles: dict[str, Feature], request: HttpRequest) -> bool:
    return plan.key in titles or _sees_all(request)


def _tiles(features: list[Feature], plans: list[Plan]) -> list[Tile]:
    rows = Head.objects.filter(scope=SCOPE).select_related("snapshot", "candidate")
    heads = {head.key: head for head in rows.defer("candidate__body")}
    since = live_since(max((head.revision for head in heads.values()), default=0))
    changed, language = unpublished(features, heads), get_language() or "en"
    return [
        Tile(
            feature=feature,
            description=words(feature.titles()["description"], language),
            head=heads.get(feature.key),
            since=since.get(feature.key),
            plans=sum(plan.key == feature.key for plan in plans),
            changed=changed.get(feature.key),
            url=reverse("admin:features_feature_change", args=[feature.pk]),
            release_url=_release_url(feature),
        )
        for feature in features
    ]


def _log() -> Any:
    return Release.objects.filter(scope=SCOPE).select_related("by")


def _warnings(titles: dict[str, Feature]) -> list[dict[str, Any]]:
    """What went wrong by itself lately: plans that failed, gradual releases that stopped."""
    lately = timezone.now() - timedelta(days=NEWS_DAYS)
    failed = Plan.objects.filter(scope=SCOPE, status=Plan.Status.FAILED, decided_at__gte=lately).defer("body")
    stopped = _log().filter(action=Release.Action.AUTO_STOP, at__gte=lately)
    found = [
        *[{"key": p.key, "at": p.decided_at, "plan": p, "why": (p.problem or {}).get("message", "")} for p in failed],
        *[{"key": r.key, "at": r.at, "stopped": r, "why": r.note} for r in stopped],
    ]
    told = [{**one, "feature": titles.get(one["key"]), "url": _release_url(titles.get(one["key"]))} for one in found]
    return sorted(told, key=lambda one: one["at"], reverse=True)


def _release_url(feature: Feature | None) -> str:
    return reverse("admin:features_feature_release", args=[feature.pk]) if feature else ""
