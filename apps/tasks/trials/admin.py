"""The time machine in the CMS: a run once more, and two runs side by side."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from apps.core.config import NotReleased
from apps.core.errors import ApiError
from apps.core.permissions import allows, needs
from apps.pipelines.graph import readable_graph
from apps.pipelines.nodes import labels
from apps.tasks.journal.words import in_words
from apps.tasks.models import Kind, Status, Task
from apps.tasks.trials.compare import compare
from apps.tasks.trials.errors import ReplayImpossible
from apps.tasks.trials.plan import body_of
from apps.tasks.trials.replay import Again, counterpart, read_again, replay, run_for
from apps.tasks.trials.services import RUN_REAL, SEE_ALL, TRY, cancel_trial

SHOWN = 20  # of the caller's latest replays of one run
OUTSIDES = {
    "recorded": _("recorded answers"),
    "mock": _("the mock provider"),
    "real": _("real models and tools"),
}
ONS = {"same": _("on what ran then"), "draft": _("on the draft of today")}
CHANGES = {
    "same": _("the same"),
    "differs": _("differs"),
    "only_a": _("only in the old run"),
    "only_b": _("only in the replay"),
}
LOOKS = {"same": "draft", "differs": "waiting", "only_a": "removed", "only_b": "added"}
STEPS = {
    "running": _("running"),
    "waiting": _("needs an answer"),
    "succeeded": _("done"),
    "failed": _("failed"),
    "skipped": _("not needed"),
    "reused": _("taken over"),
}


class ReplayMixin:
    """Stands before `ModelAdmin` of tasks."""

    change_form_outer_after_template = "admin/tasks/replay.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view  # type: ignore[attr-defined]  # ModelAdmin's
        own = [
            path("<uuid:pk>/replay/", wrap(require_POST(self.replay_view)), name="tasks_task_replay"),
            path("<uuid:pk>/compare/", wrap(self.compare_view), name="tasks_task_compare"),
            path("<uuid:pk>/stop/", wrap(require_POST(self.stop_view)), name="tasks_task_stop"),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]  # ModelAdmin's

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, obj: Any = None, **kwargs: Any) -> Any:
        if obj is not None:
            context["again"] = _again(request.user, obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)  # type: ignore[misc]  # ModelAdmin's

    @needs(SEE_ALL, TRY)
    def replay_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Start it, and show it beside the old run."""
        if not (allows(request.user, SEE_ALL) and allows(request.user, TRY)):
            raise PermissionDenied
        try:
            wanted = {name: request.POST.get(name, "") for name in ("on", "outside", "from", "fill")}
            new = replay(request.user, str(pk), read_again({k: v for k, v in wanted.items() if v}))
        except ApiError as exc:
            messages.error(request, exc.text())
            return redirect("admin:tasks_task_change", pk)
        return redirect("admin:tasks_task_compare", new.pk)

    @needs(SEE_ALL)
    def compare_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """A replay (or any run) beside the run it repeats, or beside `?with=`; it looks again while the run goes on."""
        if not allows(request.user, SEE_ALL):
            raise PermissionDenied
        try:
            new = run_for(request.user, str(pk))
            old = counterpart(request.user, new, request.GET.get("with", ""))
        except ApiError as exc:
            messages.error(request, exc.text())
            return redirect("admin:tasks_task_changelist")
        return TemplateResponse(request, "admin/tasks/compare.html", self._context(request, old, new))

    @needs(SEE_ALL, TRY)
    def stop_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Cancel a replay that goes on."""
        if not (allows(request.user, SEE_ALL) and allows(request.user, TRY)):
            raise PermissionDenied
        try:
            cancel_trial(request.user, str(pk))
        except ApiError as exc:
            messages.error(request, exc.text())
        return redirect("admin:tasks_task_compare", pk)

    def _context(self, request: HttpRequest, old: Task, new: Task) -> dict[str, Any]:
        site = self.admin_site.each_context(request)  # type: ignore[attr-defined]  # ModelAdmin's
        told = compare(old, new)
        names = _titles(old, request) | _titles(new, request)
        return {
            **site,
            "title": _("Two runs side by side"),
            "opts": Task._meta,
            "old": old,
            "new": new,
            "told": told,
            "sides": [_side(old, told["a"]), _side(new, told["b"])],
            "rows": [_row(step, names) for step in told["steps"]],
            "output": told["output"],
            "how": _how(new),
            "going": not new.is_terminal,
            "may_stop": new.kind != Kind.LIVE and not new.is_terminal and allows(request.user, TRY),
            "back": reverse("admin:tasks_task_change", args=[old.pk]),
        }


def _again(user: Any, task: Task) -> dict[str, Any] | None:
    """What the box below a run offers; None to whoever may not replay."""
    if not (allows(user, SEE_ALL) and allows(user, TRY)):
        return None
    replays = Task.objects.filter(user=user, kind=Kind.REPLAY, source__of=str(task.pk)).order_by("-created_at")[:SHOWN]
    known = Again()
    return {
        "task": task,
        "ons": list(ONS.items()),
        "outsides": [(name, words) for name, words in OUTSIDES.items() if name != "real" or allows(user, RUN_REAL)],
        "on": known.on,
        "outside": known.outside,
        "may_fill": allows(user, RUN_REAL),
        "steps": _steps(task),
        "replays": [(one, _how(one)) for one in replays],
        "of": (task.source or {}).get("of"),
    }


def _graph(task: Task) -> Any:
    try:
        return readable_graph(dict(body_of(task)["pipeline"]["graph"]))
    except (NotReleased, ReplayImpossible):
        return readable_graph({})


def _steps(task: Task) -> list[tuple[str, str]]:
    """The steps from which on it can be run anew, under their titles."""
    graph = _graph(task)
    return [
        (node_id, in_words(graph.by_id[node_id].title, task.language, node_id))
        for node_id in graph.order
        if graph.by_id[node_id].type not in ("start", "end")
    ]


def _titles(task: Task, request: HttpRequest) -> dict[str, str]:
    language = getattr(request, "LANGUAGE_CODE", "en")
    return {node_id: in_words(node.title, language, node_id) for node_id, node in _graph(task).by_id.items()}


def _side(task: Task, told: dict[str, Any]) -> dict[str, Any]:
    return {**told, "task": task, "label": Status(task.status).label, "kind_label": Kind(task.kind).label}


def _row(step: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {
        **step,
        "title": names.get(step["path"], step["path"]),
        "type_label": labels().get(step["type"], step["type"]),
        "change_label": CHANGES[step["change"]],
        "look": LOOKS[step["change"]],
        "a_label": STEPS.get(str(step["a"]["status"]), "") if step["a"] else "",
        "b_label": STEPS.get(str(step["b"]["status"]), "") if step["b"] else "",
        "open": step["change"] == "differs",
    }


def _how(task: Task) -> str:
    """How a replay was asked for, in words; "" for a run that is none."""
    source = task.source or {}
    if not source.get("of"):
        return ""
    words = [ONS.get(str(source.get("on")), ""), OUTSIDES.get(str(source.get("outside")), "")]
    if source.get("from"):
        words.append(_("from “%(step)s” on") % {"step": source["from"]})
    return " · ".join(str(one) for one in words if one)
