"""What can be refused about drafts."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError


class FeaturePlanned(ApiError):
    code, reason, status = "FEATURES_2081", "E_FEATURE_PLANNED", 409
    message = _("A release of “%(title)s” is planned. Cancel the plan first, then it can be deleted.")


class KeyTaken(ApiError):
    code, reason, status = "FEATURES_2082", "E_KEY_TAKEN", 409
    message = _("There is a feature “%(key)s” already. Choose another key.")


class ApprovalRight(ApiError):
    code, reason, status = "FEATURES_2083", "E_APPROVAL_RIGHT", 403
    message = _("Only people who may publish decide whether releases need a second person.")


class PublishRight(ApiError):
    code, reason, status = "FEATURES_2084", "E_PUBLISH_RIGHT", 403
    message = _("Only people who may publish do this without a second person. Propose it instead.")


class TemplateUnknown(ApiError):
    code, reason, status = "FEATURES_2090", "E_TEMPLATE_UNKNOWN", 404
    message = _("There is no template “%(key)s” in the gallery.")


class HeadingMissing(ApiError):
    code, reason, status = "FEATURES_2091", "E_HEADING_MISSING", 409
    message = _("The menu has no heading yet. Ask somebody who may make one, then import again.")
