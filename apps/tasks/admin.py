"""Tasks in the CMS: a timeline to read, nothing to edit."""

from collections.abc import Iterator
from typing import Any, Final, cast

from django.contrib import admin
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from apps.accounts.models import User
from apps.core.admin import AdminAssetsMixin, column
from apps.core.admin_paging import CappedPaginator
from apps.core.moments import moment
from apps.core.storage.naming import is_id
from apps.core.templatetags.paiban import as_duration
from apps.features.models import Feature
from apps.tasks.answering_admin import AnswerMixin
from apps.tasks.models import Event, Kind, Status, StepRun, Task
from apps.tasks.render import detail
from apps.tasks.trials.admin import ReplayMixin

EVERY_KIND: Final = "all"

COLOURS = {
    Status.QUEUED: "info",
    Status.RUNNING: "info",
    Status.WAITING_INPUT: "warning",
    Status.SUCCEEDED: "success",
    Status.FAILED: "danger",
}

KINDS = {
    "step": _("step"),
    "progress": _("progress"),
    "log": _("note"),
    "delta": _("text"),
    "reset": _("text begins anew"),
    "answered": _("answered"),
}


class EventInline(TabularInline):
    model = Event
    fields = [column("seq", _("number")), "at_second", "kind", "words"]
    readonly_fields = fields
    verbose_name_plural = _("event log")
    extra = 0
    per_page = 50
    can_delete = False
    hide_title = True

    @admin.display(description=_("time"))
    def at_second(self, event: Event) -> SafeString:
        return moment(event.at, "exact")

    @admin.display(description=_("kind"))
    def kind(self, event: Event) -> str:
        return str(Status(event.type).label if event.type in Status.values else KINDS.get(event.type, event.type))

    @admin.display(description=_("what happened"))
    def words(self, event: Event) -> str:
        return _words(event)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class KindFilter(admin.SimpleListFilter):
    """Runs that people asked for, unless somebody wants to see trials; an id that is looked for is found anyway."""

    title, parameter_name = _("kind"), "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(Kind.TRIAL, _("Trial runs")), (Kind.REPLAY, _("Replays")), (EVERY_KIND, _("All kinds"))]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        everyday, *others = super().choices(changelist)
        return iter([{**everyday, "display": _("Runs")}, *others])

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Task]") -> "QuerySet[Task]":
        wanted = self.value()
        if wanted == EVERY_KIND or (wanted is None and is_id(request.GET.get(SEARCH_VAR, "").strip())):
            return queryset
        return queryset.filter(kind=wanted or Kind.LIVE)


class FeatureFilter(admin.SimpleListFilter):
    """Names the features there are, and does not look through all tasks for those that ever ran."""

    title, parameter_name = _("feature"), "feature"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(key, key) for key in Feature.objects.order_by("key").values_list("key", flat=True)]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Task]") -> "QuerySet[Task]":
        return queryset.filter(feature=self.value()) if self.value() else queryset


@admin.register(Task)
class TaskAdmin(AnswerMixin, ReplayMixin, AdminAssetsMixin, ModelAdmin):
    read_only = True  # for whoever asks from outside, as the role walk does
    list_display = [
        "id",
        "what",
        "version",
        column("user", _("user"), ordering="user__username"),
        "state",
        "cost",
        column("created_at", _("created"), ordering="created_at"),
        "took",
    ]
    list_filter = [KindFilter, "status", FeatureFilter]
    search_fields = ["id", "user__username"]
    list_select_related = ["user"]
    show_full_result_count = False
    paginator = CappedPaginator
    ordering = ["-created_at", "-id"]
    change_form_before_template = "admin/tasks/timeline.html"
    inlines = [EventInline]
    fieldsets = [(None, {"classes": ["hidden"], "fields": []})]  # everything stands in the template

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        mixed = request.GET.get(KindFilter.parameter_name) == EVERY_KIND
        return (
            [*self.list_display[:1], column("kind", _("kind")), *self.list_display[1:]] if mixed else self.list_display
        )

    @admin.display(description=_("feature"), ordering="feature")
    def what(self, task: Task) -> str:
        """A trial may be one of a pipeline that no feature runs yet."""
        return task.feature or str((task.source or {}).get("pipeline", ""))

    @display(description=_("status"), ordering="status", label=COLOURS)  # type: ignore[untyped-decorator]
    def state(self, task: Task) -> tuple[str, str]:
        return task.status, task.get_status_display()

    @admin.display(description=_("took"))
    def took(self, task: Task) -> str:
        spent = task.finished_at - task.started_at if task.finished_at and task.started_at else None
        return as_duration(spent.total_seconds() * 1000 if spent else None)

    def head(self, request: HttpRequest, obj: Task) -> dict[str, Any]:
        told = detail(obj, cast(User, request.user).role_names)
        values = [
            (_("Input"), [_value(told, name, value, "form") for name, value in told["input"].items()]),
            (_("Result"), [_value(told, name, value, "output_form") for name, value in (told["output"] or {}).items()]),
        ]
        return {"told": told, "values": values, "took": self.took(obj)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _value(told: dict[str, Any], name: str, value: Any, form: str) -> dict[str, Any]:
    """A value of the input or the output under its field's title; a file with its link."""
    schema = (told[form] or {}).get("schema", {}).get("properties", {}).get(name, {})
    file = told["files"].get(value) if isinstance(value, str) else None
    return {"title": schema.get("title", name), "value": value, "file": file}


def _words(event: Event) -> str:
    """One event in a line."""
    data = event.data
    match event.type:
        case "step":
            paused = data["status"] == StepRun.Status.WAITING  # a task waits for a worker, a step for others
            status = str(_("paused") if paused else StepRun.Status(data["status"]).label)
            return " · ".join(filter(None, [data["title"], status, as_duration(data["duration_ms"], "")]))
        case "progress":
            return f"{data['node']} · {data['progress']:.0%} · {data['message']}"
        case "delta":
            return f"{data['node']} · {data['text']}"
        case "failed":
            return str((data.get("error") or {}).get("message", ""))
        case "queued" | "running" | "waiting_input" | "succeeded" | "cancelled":
            return str(Status(event.type).label)
    return ""
