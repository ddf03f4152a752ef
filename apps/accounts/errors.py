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


class KeyInvalid(ApiError):
    code, reason, status = "ACCOUNTS_2010", "E_KEY", 401
    message = _("This API key is not valid, or it was revoked. Use another one.")


class KeyExpired(ApiError):
    code, reason, status = "ACCOUNTS_2011", "E_KEY_EXPIRED", 401
    message = _("This API key has expired. Make a new one.")


class KeyAddressRefused(ApiError):
    code, reason, status = "ACCOUNTS_2012", "E_KEY_ADDRESS", 403
    message = _("This API key may not be used from the address %(address)s.")


class KeyScopeExceeded(ApiError):
    code, reason, status = "ACCOUNTS_2013", "E_KEY_SCOPE", 403
    message = _("This API key was not made for “%(wanted)s”.")


class KeyTooPowerful(ApiError):
    code, reason, status = "ACCOUNTS_2014", "E_KEY_POWER", 403
    message = _("A key for the administration is made by staff, and for oneself alone.")


class KeyMakesNoKeys(ApiError):
    code, reason, status = "ACCOUNTS_2015", "E_KEY_MAKES_NO_KEYS", 403
    message = _("API keys are made and revoked by a person who signed in, not by an API key.")


class TooManyKeys(ApiError):
    code, reason, status = "ACCOUNTS_2016", "E_TOO_MANY_KEYS", 409
    message = _("There are %(most)s API keys already. Revoke one that is no longer used.")
