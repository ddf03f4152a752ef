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
