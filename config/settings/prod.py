"""Behind TLS and a proxy. Refuses to start without its secrets."""

from django.core.exceptions import ImproperlyConfigured

from config.settings.base import *

for name, value in {
    "SECRET_KEY": SECRET_KEY,
    "PAIBAN_SIGNING_KEY": SIGNING_KEYS,
    "PAIBAN_MASTER_KEYS": MASTER_KEYS,
    "DATABASE_URL": env.str("DATABASE_URL", default=""),
    "REDIS_URL": env.str("REDIS_URL", default=""),
}.items():
    if not value:
        raise ImproperlyConfigured(f"{name} must be set in production; see .env.example")

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_REDIRECT_EXEMPT = [r"^health", r"^readyz$", r"^version$"]
WHITENOISE_USE_FINDERS = False
