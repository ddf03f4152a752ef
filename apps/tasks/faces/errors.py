"""Why a run that was asked for over another protocol has no result. `details.task` names it where there is one."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError


class RunFailed(ApiError):
    """`details.error` is what the task says of it, with its own code."""

    code, reason, status = "TASKS_5010", "E_RUN_FAILED", 502
    message = _("The run failed: %(what)s")


class RunTimeout(ApiError):
    code, reason, status = "TASKS_5011", "E_RUN_TIMEOUT", 504
    message = _("The run %(task)s goes on, but took longer than is waited for here. Fetch it later: %(link)s")


class RunWaits(ApiError):
    code, reason, status = "TASKS_2010", "E_RUN_WAITS", 409
    message = _("The run %(task)s waits for an answer, which cannot be given here. Go on with it in the web pages.")


class RunCancelled(ApiError):
    code, reason, status = "TASKS_2011", "E_RUN_CANCELLED", 409
    message = _("The run was cancelled. Nothing was charged.")
