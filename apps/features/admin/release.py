"""The release page of a feature: what would change, release it, undo it, and who did what when."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from apps.core.errors import ApiError
from apps.core.paging import paginate_by_number
from apps.core.permissions import needs
from apps.core.publishing import services as publishing
from apps.core.publishing.models import Plan, Release, Snapshot
from apps.features import plans, services
from apps.features.admin.forms import NoteForm, ReleaseForm, RollbackForm, RolloutForm, WithdrawForm
from apps.features.admin.pages import FeaturePages, reach
from apps.features.models import Feature
from apps.features.overview import steps_of
from apps.features.publishing import SCOPE
from apps.features.releasing import carry_out

PAGE = 20  # rows of versions and of the log at a time
ROLLOUT_VERBS = ("change", "promote", "stop")


class ReleasePages(FeaturePages):
    """Stands before `ModelAdmin`. Every change is a POST that asks for its right itself."""

    def release_urls(self, wrap: Callable[[Any], Any]) -> list[URLPattern]:
        """The routes of these pages."""

        def post(view: Any) -> Any:
            return wrap(require_POST(view))

        return [
            path("<int:pk>/release/", wrap(self.release_view), name="features_feature_release"),
            path("<int:pk>/publish/", post(self.publish_view), name="features_feature_publish"),
            path("<int:pk>/rollback/", post(self.rollback_view), name="features_feature_rollback"),
            path("<int:pk>/withdraw/", post(self.withdraw_view), name="features_feature_withdraw"),
            path("<int:pk>/rollout/<slug:verb>/", post(self.rollout_view), name="features_feature_rollout"),
            path("<int:pk>/plans/<int:plan>/<slug:verb>/", post(self.plan_view), name="features_feature_plan"),
        ]

    # --- looking ------------------------------------------------------------------------------

    @needs("features:read")
    def release_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What is live, what would change, what was; nothing is changed here."""
        feature = self.feature_of(request, pk, "view", "publish")
        return self._page(request, feature, ReleaseForm())

    def _page(self, request: HttpRequest, feature: Feature, form: ReleaseForm, status: int = 200) -> HttpResponse:
        context = self.page_context(request, feature, "release")
        stands = context["standing"]
        own = {
            "preview": stands.preview,
            "steps": steps_of(stands.preview.payload),
            "form": form,
            "roles": form.fields["roles"].queryset,  # type: ignore[attr-defined]  # of a choice field
            "open_plans": [_shown(plan, request, context["may"]["publish"]) for plan in stands.plans],
            "ended_plans": [p for p in publishing.plans_of(SCOPE, feature.key) if p not in stands.plans][:5],
            **_versions(request, feature),
            **_log(request, feature),
            **_compared(request, feature, stands.live),
        }
        return render(request, "admin/features/release.html", context | own, status=status)

    # --- acting -------------------------------------------------------------------------------

    @needs("features:write")
    def publish_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Release the draft, to some first, at a time, or propose it: as the form says.

        What somebody sends who may change but not publish is a proposal.
        """
        feature = self.feature_of(request, pk, "change", "publish")
        form = ReleaseForm(request.POST)
        if not form.is_valid():
            self.refuse(request, form)
            return self._page(request, feature, form, status=400)
        try:
            order = form.order()
            ask = order.ask or not self.has_publish_permission(request, feature)
            done = carry_out(feature.key, replace(order, ask=ask), by=request.user)
        except ApiError as exc:
            self._explain(request, exc)
            return self._page(request, feature, form, status=exc.status)
        self.tell(request, _done(feature, done, form))
        return self._back(feature)

    @needs("features:rollback")
    def rollback_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One click: the old version is live again, as a new version."""
        feature = self.feature_of(request, pk, "rollback")

        def act(given: dict[str, Any]) -> str:
            old = given["version"]
            new = services.rollback_feature(feature.key, to_version=old, by=request.user, note=given["note"]).version
            words = _("Rolled back: version %(new)s is live, with the content of version %(old)s.")
            return f"{words % {'new': new, 'old': old}} {reach(feature.key)}"

        return self._act(request, feature, RollbackForm(request.POST), act)

    @needs("features:publish")
    def withdraw_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Nobody gets any version, from now or from a time on."""
        feature = self.feature_of(request, pk, "publish")
        form = WithdrawForm(request.POST)

        def act(given: dict[str, Any]) -> str:
            if given["when"] == "later":
                action = Plan.Action.WITHDRAW
                services.plan_feature(
                    feature.key, by=request.user, action=action, due_at=form.due(), note=given["note"]
                )
                return _("It is planned. You find it below, and may cancel it until then.")
            services.withdraw_feature(feature.key, by=request.user, note=given["note"])
            words = _("Withdrawn: nobody gets it any more; tasks that run go on.")
            return f"{words} {reach(feature.key)}"

        return self._act(request, feature, form, act)

    @needs("features:publish")
    def rollout_view(self, request: HttpRequest, pk: int, verb: str) -> HttpResponse:
        """Change, finish or stop the gradual release."""
        feature = self.feature_of(request, pk, "publish")
        form = RolloutForm(request.POST) if verb == "change" else NoteForm(request.POST)

        def act(given: dict[str, Any]) -> str:
            words = _move_rollout(feature.key, verb, form, by=request.user, note=given["note"])
            return f"{words} {reach(feature.key)}"

        if verb not in ROLLOUT_VERBS:
            raise PermissionDenied
        return self._act(request, feature, form, act)

    @needs("features:write")
    def plan_view(self, request: HttpRequest, pk: int, plan: int, verb: str) -> HttpResponse:
        """Approve, reject or cancel a planned release of this feature."""
        feature = self.feature_of(request, pk, "change", "publish")

        def act(given: dict[str, Any]) -> str:
            done = plans.decide(plan, verb, by=request.user, note=given["note"], key=feature.key)
            words = {
                "approve": _("Approved. It happens at its time."),
                "reject": _("Rejected. Nothing was released."),
                "cancel": _("Cancelled. Nothing was released."),
                "done": _("Approved and carried out."),
            }
            if done.status == Plan.Status.DONE:
                return f"{words['done']} {reach(feature.key)}"
            return words[verb]

        return self._act(request, feature, NoteForm(request.POST), act)

    def _act(
        self, request: HttpRequest, feature: Feature, form: Form, act: Callable[[dict[str, Any]], str]
    ) -> HttpResponse:
        """Do it and say so, or say why not; either way back to the page."""
        if not form.is_valid():
            self.refuse(request, form)
        else:
            try:
                self.tell(request, act(form.cleaned_data))
            except ApiError as exc:
                if exc.status == 403:
                    raise PermissionDenied from exc
                self._explain(request, exc)
        return self._back(feature)

    def _explain(self, request: HttpRequest, exc: ApiError) -> None:
        self.message_user(request, exc.text(), messages.ERROR)  # type: ignore[attr-defined]  # ModelAdmin's

    def _back(self, feature: Feature) -> HttpResponse:
        return redirect("admin:features_feature_release", feature.pk)


def _done(feature: Feature, done: Snapshot | Plan, form: ReleaseForm) -> str:
    """What happened, in words."""
    if isinstance(done, Snapshot):
        if form.order().some:
            words = _("Version %(version)s is out for some. Watch how it does, then finish or stop it.")
        else:
            words = _("Version %(version)s is live.")
        return f"{words % {'version': done.version}} {reach(feature.key)}"
    if done.status == Plan.Status.WAITING:
        return _("Proposed. Somebody else who may publish finds it below, and approves or rejects it.")
    return _("It is planned. You find it below, and may cancel it until then.")


def _move_rollout(key: str, verb: str, form: Any, *, by: Any, note: str) -> str:
    if verb == "promote":
        seen = _number(form.data.get("candidate"), 0) or None
        version = publishing.promote_rollout(SCOPE, key, by=by, note=note, candidate=seen).version
        return _("Version %(version)s is live for everybody.") % {"version": version}
    if verb == "stop":
        publishing.stop_rollout(SCOPE, key, by=by, note=note)
        return _("Stopped: everybody gets what was live before.")
    publishing.change_rollout(SCOPE, key, by=by, note=note, **form.audience())
    return _("The share was changed.")


def _shown(plan: Plan, request: HttpRequest, may_publish: bool) -> dict[str, Any]:
    """An open plan, with what this person may do about it."""
    own = plan.requested_by_id == request.user.pk
    waiting = plan.status == Plan.Status.WAITING
    options = {name.removeprefix("rollout_"): value for name, value in plan.options.items()}
    return {
        "plan": plan,
        "options": options,
        "own": own,
        "decide": waiting and may_publish and not own,
        "cancel": plans.may_cancel(plan, request.user),
    }


def _versions(request: HttpRequest, feature: Feature) -> dict[str, Any]:
    rows = Snapshot.objects.filter(scope=SCOPE, key=feature.key).select_related("author").defer("body")
    page = paginate_by_number(rows, field="version", cursor=_cursor(request, "older"), size=PAGE)
    ever = Release.objects.filter(scope=SCOPE, key=feature.key).values_list("to_version", flat=True)
    return {"versions": page.items, "older_versions": page.next, "ever_live": set(ever)}


def _log(request: HttpRequest, feature: Feature) -> dict[str, Any]:
    rows = Release.objects.filter(scope=SCOPE, key=feature.key).select_related("by")
    page = paginate_by_number(rows, field="revision", cursor=_cursor(request, "before"), size=PAGE)
    return {"log": page.items, "older_log": page.next}


def _compared(request: HttpRequest, feature: Feature, live: int) -> dict[str, Any]:
    """The differences between two versions, when two are asked for."""
    new, old = _number(request.GET.get("to"), live), _number(request.GET.get("from"), 0)
    numbers = Snapshot.objects.filter(scope=SCOPE, key=feature.key, version__in=[old, new])
    if old == new or numbers.count() != 2:
        return {"old": None, "new": None}
    changes = publishing.diff_versions(SCOPE, feature.key, old=old, new=new)
    payload = numbers.get(version=new).payload
    return {"old": old, "new": new, "changes": changes, "payload": payload, "summary": _counted(len(changes))}


def _cursor(request: HttpRequest, name: str) -> str | None:
    return str(_number(request.GET.get(name), 0) or "") or None


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else default


def _counted(count: int) -> str:
    return ngettext("%(count)s difference", "%(count)s differences", count) % {"count": count}
