from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TasksConfig(AppConfig):
    name = "apps.tasks"
    label = "tasks"
    verbose_name = _("Tasks")

    def ready(self) -> None:
        from apps.core import timers
        from apps.core.lane.app import register
        from apps.core.publishing import outcomes
        from apps.features.publishing import SCOPE
        from apps.mcp.server import registry as tools
        from apps.mcp.server.door import ROUTE as MCP
        from apps.mcp.server.tools_run import ROUTE as RUN_TOOL
        from apps.providers.gateway import virtual
        from apps.tasks.faces.feature_models import FeatureModels
        from apps.tasks.faces.feature_tools import FeatureTools
        from apps.tasks.outcomes import outcomes as count_outcomes
        from apps.tasks.questions import look_after
        from apps.tasks.services import sweep
        from apps.tasks.stream import ROUTE
        from apps.tasks.trials import lane as trials

        register(ROUTE)
        register(trials.START)
        register(trials.STREAM)
        virtual.register(FeatureModels())
        tools.register(FeatureTools())
        register(MCP)
        register(RUN_TOOL)
        timers.register("tasks.sweep", seconds=2, work=sweep)
        timers.register("tasks.waiting", seconds=2, work=look_after)
        outcomes.register(SCOPE, count_outcomes)
