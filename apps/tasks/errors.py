from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError


class FeatureUnknown(ApiError):
    code, reason, status = "TASKS_2001", "E_FEATURE_UNKNOWN", 404
    message = _("There is no feature “%(feature)s”, or it is not for your account.")


class InputInvalid(ApiError):
    code, reason, status = "TASKS_2002", "E_INPUT_INVALID", 422
    message = _("Some fields need your attention.")


class TaskUnknown(ApiError):
    code, reason, status = "TASKS_2003", "E_TASK_UNKNOWN", 404
    message = _("There is no such task, or it is not yours.")


class TaskEnded(ApiError):
    code, reason, status = "TASKS_2004", "E_TASK_ENDED", 409
    message = _("This task has ended already.")


class TaskPoisoned(ApiError):
    """A task that keeps killing its worker is stopped."""

    code, reason, status = "TASKS_5001", "E_WORKER_LOST", 500
    message = _("The work broke off %(times)s times in a row and was stopped. Nothing was charged.")


class LeaseLost(ApiError):
    """This worker no longer owns the task: another one does, or it was cancelled. Nothing may be written."""

    code, reason, status = "TASKS_5002", "E_LEASE_LOST", 409
    message = _("Another worker took over.")


class AlreadyAnswered(ApiError):
    code, reason, status = "TASKS_2020", "E_ALREADY_ANSWERED", 409
    message = _("Somebody has answered this already.")


class QuestionUnknown(ApiError):
    code, reason, status = "TASKS_2021", "E_QUESTION_UNKNOWN", 404
    message = _("The task does not ask this.")


class AnswerTooLate(ApiError):
    code, reason, status = "TASKS_2022", "E_ANSWER_TOO_LATE", 410
    message = _("The time for an answer is over; the task has gone on without it.")


class AnswerInvalid(ApiError):
    code, reason, status = "TASKS_2023", "E_ANSWER_INVALID", 422
    message = _("The answer does not fit. See the listed fields.")

    @staticmethod
    def no_option() -> str:
        """What is told of an option that was not offered."""
        return gettext("Choose one of the options.")
