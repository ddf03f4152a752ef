from django.utils.translation import gettext_lazy as _

from apps.core.errors import ApiError


class WrongCredentials(ApiError):
    code, reason, status = "ACCOUNTS_2001", "E_CREDENTIALS", 401
    message = _("User name or password is not right. Check both and try again.")


class PasswordChangeDue(ApiError):
    code, reason, status = "ACCOUNTS_2002", "E_PASSWORD_CHANGE_DUE", 403
    message = _("Choose your own password first: sign in at /admin/ once.")


class TokenInvalid(ApiError):
    code, reason, status = "ACCOUNTS_2003", "E_TOKEN", 401
    message = _("Your sign-in has ended. Sign in again.")


class RefreshReused(ApiError):
    code, reason, status = "ACCOUNTS_2004", "E_REFRESH_REUSED", 401
    message = _("This sign-in was used from somewhere else, so it has been ended. Sign in again.")
