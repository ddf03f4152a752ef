"""Why an uploaded picture was refused, in words for the person who chose it."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError


class UploadTypeRefused(ApiError):
    code, reason, status = "STORAGE_2001", "E_UPLOAD_TYPE", 415
    message = _(
        "Only JPEG, PNG and WebP pictures can be used. Save a HEIC photo as JPEG (on an iPhone: Settings, "
        "Camera, Formats, Most Compatible); save a GIF as PNG; export an SVG drawing as PNG."
    )


class UploadEmpty(ApiError):
    code, reason, status = "STORAGE_2002", "E_UPLOAD_EMPTY", 422
    message = _("The file is empty. Choose it again; if it stays empty, save it anew first.")


class UploadBroken(ApiError):
    code, reason, status = "STORAGE_2003", "E_UPLOAD_BROKEN", 422
    message = _("The picture is incomplete or damaged. Upload it again, or save it anew first.")


class UploadAnimated(ApiError):
    code, reason, status = "STORAGE_2004", "E_UPLOAD_ANIMATED", 422
    message = _("The picture is animated. Save one frame of it as PNG or JPEG and upload that.")


class UploadTooManyPixels(ApiError):
    """Parameters: width and height in pixels, limit in megapixels."""

    code, reason, status = "STORAGE_2005", "E_UPLOAD_PIXELS", 422
    message = _(
        "The picture measures %(width)s x %(height)s pixels; at most %(limit)s megapixels can be used. "
        "Make it smaller and upload it again."
    )


class UploadTooLarge(ApiError):
    """Parameter: limit in megabytes."""

    code, reason, status = "STORAGE_2006", "E_UPLOAD_TOO_LARGE", 413
    message = _("The file is larger than %(limit)s MB. Save it smaller, or with more compression.")


class UploadPastLimits(ApiError):
    code, reason, status = "STORAGE_2007", "E_UPLOAD_LIMITS", 422
    message = _("Checking this picture took too long or too much memory. Make it smaller and upload it again.")
