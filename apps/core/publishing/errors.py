from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError


class PublishRefused(ApiError):
    code, reason, status = "CORE_2010", "E_PUBLISH_REFUSED", 422
    message = _("Not published: %(count)s problems have to be solved first. See the list.")


class VersionUnknown(ApiError):
    code, reason, status = "CORE_2011", "E_VERSION_UNKNOWN", 404
    message = _("There is no released version %(version)s of this. Choose one from the list of versions.")


class PublishConflict(ApiError):
    code, reason, status, retryable = "CORE_2012", "E_PUBLISH_CONFLICT", 409, True
    message = _("Somebody else published at the same moment. Look at the new version and try again.")


class BreakUnconfirmed(ApiError):
    code, reason, status = "CORE_2030", "E_BREAK_UNCONFIRMED", 409
    message = _("Not published: %(count)s changes break what people use now. Look at them, and confirm if you mean it.")


class NoteNeeded(ApiError):
    """A gate is passed over only with a reason that others can read later; `details.problems` has what asks for it."""

    code, reason, status = "CORE_2043", "E_NOTE_NEEDED", 422
    message = _(
        "Not published: say in the note why you go past this, in at least %(least)s characters. "
        "Or mend it first: %(what)s"
    )


class DraftChanged(ApiError):
    code, reason, status = "CORE_2031", "E_DRAFT_CHANGED", 409
    message = _("The draft is no longer the one you looked at. Look at the changes again.")


class NeverLive(ApiError):
    code, reason, status = "CORE_2032", "E_NEVER_LIVE", 409
    message = _("Version %(version)s was never live for everybody. Choose another version.")


class NothingLive(ApiError):
    code, reason, status = "CORE_2033", "E_NOTHING_LIVE", 409
    message = _("Nothing of this is live, so there is nothing to withdraw.")


class RolloutRunning(ApiError):
    code, reason, status = "CORE_2034", "E_ROLLOUT_RUNNING", 409
    message = _("A gradual release of version %(version)s is running. Finish or stop it first.")


class NoRollout(ApiError):
    code, reason, status = "CORE_2035", "E_NO_ROLLOUT", 409
    message = _("No gradual release is running.")


class ApprovalNeeded(ApiError):
    code, reason, status = "CORE_2036", "E_APPROVAL_NEEDED", 409
    message = _("A second person has to approve this release. Propose it, and ask somebody to look.")


class SamePerson(ApiError):
    code, reason, status = "CORE_2037", "E_SAME_PERSON", 403
    message = _("You proposed this release yourself. Somebody else has to approve it.")


class PlanClosed(ApiError):
    code, reason, status = "CORE_2038", "E_PLAN_CLOSED", 409
    message = _("This plan has ended already. Reload the page to see how.")


class DueInThePast(ApiError):
    code, reason, status = "CORE_2039", "E_DUE_IN_THE_PAST", 422
    message = _("The time lies in the past. Choose a later one, or publish now.")


class PlanOvertaken(ApiError):
    code, reason, status = "CORE_2040", "E_PLAN_OVERTAKEN", 409
    message = _("Version %(live)s went live after this was planned from version %(based_on)s. Plan it again.")


class NothingChanged(ApiError):
    code, reason, status = "CORE_2041", "E_NOTHING_CHANGED", 409
    message = _("The draft is what is live already. There is nothing to release.")


class PlanUnknown(ApiError):
    code, reason, status = "CORE_2042", "E_PLAN_UNKNOWN", 404
    message = _("There is no such plan.")
