"""Settings shared by every environment; docs/settings.md lists them."""

from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from django.utils.translation import gettext_lazy as _

from config.settings.admin_site import UNFOLD as UNFOLD
from config.settings.object_storage import s3_storage
from config.settings.queue import celery
from config.settings.tool_servers import stdio_servers

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = environ.Env()

environ.Env.read_env(BASE_DIR / ".env")
DATA_DIR = Path(env.str("PAIBAN_DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
# For commands typed in a shell: the secrets `make run` made, and the addresses of what it runs just now. The real
# environment wins over every file.
for _file in (DATA_DIR / ".env", DATA_DIR / "runtime.env"):
    environ.Env.read_env(_file)
VERSION = "0.1.0"

SECRET_KEY = env.str("SECRET_KEY", default="")
SIGNING_KEYS = env.list("PAIBAN_SIGNING_KEY", default=[])  # access tokens; the first signs, all verify
MASTER_KEYS = env.list("PAIBAN_MASTER_KEYS", default=[])  # "kid:base64 of 32 bytes"; the first encrypts
DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
BASE_URL = env.str("PAIBAN_BASE_URL", default="http://127.0.0.1:8000")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.guardian",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "simple_history",
    "channels",
    "apps.core",
    "apps.accounts",
    "apps.quotas",
    "apps.providers",
    "apps.mcp",
    "apps.prompts",
    "apps.pipelines",
    "apps.features",
    "apps.tasks",
]

MIDDLEWARE = [
    "apps.core.request_id.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.accounts.middleware.PasswordChangeMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- data -------------------------------------------------------------------------------------

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'paiban.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A deferred transaction that reads and then writes fails at once with "database is locked".
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"]["OPTIONS"] = {
        "charset": "utf8mb4",
        "isolation_level": "read committed",
        "connect_timeout": 3,  # a reader that finds the server away goes on from the backup
    }
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
REDIS_PREFIX = env.str("PAIBAN_REDIS_PREFIX", default="paiban:")
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": REDIS_PREFIX + "cache",
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 2, "SOCKET_TIMEOUT": 2, "IGNORE_EXCEPTIONS": True},
    }
}

# --- people -----------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
    "apps.accounts.backends.LogOnlyBackend",  # the last word, and none unless the mode below is "log"
]
POLICY_FILE = Path(env.str("PAIBAN_POLICY_FILE", default=str(BASE_DIR / "config" / "policy.toml")))
POLICY_MODE = env.str("PAIBAN_POLICY_MODE", default="enforce")  # enforce | log
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ANONYMOUS_USER_NAME = None  # guardian: no row for anonymous visitors
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
ACCESS_TOKEN_SECONDS = env.int("PAIBAN_ACCESS_TOKEN_SECONDS", default=15 * 60)
REFRESH_TOKEN_SECONDS = env.int("PAIBAN_REFRESH_TOKEN_SECONDS", default=7 * 24 * 3600)
WELCOME_CREDITS = env.int("PAIBAN_WELCOME_CREDITS", default=1000)

# --- words ------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

# --- files ------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("PAIBAN_STATIC_ROOT", default=str(DATA_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = DATA_DIR / "media"
WORK_DIR = DATA_DIR / "work"  # scratch space shared with local tool servers
# What was last served, for a process that starts while the database is away.
CONFIG_BACKUP_DIR = Path(env.str("PAIBAN_CONFIG_BACKUP_DIR", default=str(DATA_DIR / "config")))
FILE_LINK_SECONDS = env.int("PAIBAN_FILE_LINK_SECONDS", default=600)
STORAGE_BACKEND = env.str("PAIBAN_STORAGE", default="local")  # local | s3
S3_BUCKET = env.str("PAIBAN_S3_BUCKET", default="")
S3_ENDPOINT_URL = env.str("PAIBAN_S3_ENDPOINT_URL", default="")
S3_REGION = env.str("PAIBAN_S3_REGION", default="")
STORAGES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MEDIA_ROOT},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
if STORAGE_BACKEND == "s3":
    STORAGES["default"] = s3_storage(
        bucket=S3_BUCKET, endpoint_url=S3_ENDPOINT_URL, region=S3_REGION, link_seconds=FILE_LINK_SECONDS
    )
UPLOAD_MAX_BYTES = env.int("PAIBAN_UPLOAD_MAX_BYTES", default=20 * 1024 * 1024)
UPLOAD_MAX_PIXELS = env.int("PAIBAN_UPLOAD_MAX_PIXELS", default=25_000_000)
UPLOAD_MAX_SIDE = env.int("PAIBAN_UPLOAD_MAX_SIDE", default=4096)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_TEMP_DIR = None

# --- HTTP -------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["apps.core.permissions.DenyAll"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.core.error_handling.handle_exception",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Paiban",
    "DESCRIPTION": "An admin-first CMS for AI features.",
    "VERSION": VERSION,
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.core.openapi.add_hot_lane",
    ],
    "ENUM_NAME_OVERRIDES": {
        "ReleaseActionEnum": "apps.core.publishing.models.Release.Action",
        "PlanActionEnum": "apps.core.publishing.models.Plan.Action",
        "PlanStatusEnum": "apps.core.publishing.models.Plan.Status",
        "EndpointKindEnum": "apps.providers.models.Endpoint.Kind",
        "ChangeKindEnum": ["added", "removed", "changed"],
        "RightSourceEnum": ["superuser", "role", "group", "direct"],
        "TokenStateEnum": ["none", "set", "unreadable"],
        "SeverityEnum": ["error", "warning"],
    },
}
CSRF_FAILURE_VIEW = "apps.core.error_handling.form_expired"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SAMESITE = "Lax"
OUTBOUND_ALLOWED_HOSTS = env.list("PAIBAN_OUTBOUND_ALLOWED_HOSTS", default=[])
PIPELINE_HOSTS = env.list("PAIBAN_PIPELINE_HOSTS", default=[])

# --- work -------------------------------------------------------------------------------------

CELERY = celery(redis_url=REDIS_URL, prefix=REDIS_PREFIX)
TASK_LEASE_SECONDS = env.int("PAIBAN_TASK_LEASE_SECONDS", default=20)
TASK_RENEW_SECONDS = env.int("PAIBAN_TASK_RENEW_SECONDS", default=5)
PROVIDER_CHECK_SECONDS = env.int("PAIBAN_PROVIDER_CHECK_SECONDS", default=300)  # between two tests; 0: none
TASK_MAX_ATTEMPTS = env.int("PAIBAN_TASK_MAX_ATTEMPTS", default=3)
TASK_REQUEUE_SECONDS = env.int("PAIBAN_TASK_REQUEUE_SECONDS", default=15)
TASK_SLOTS = env.int("PAIBAN_TASK_SLOTS", default=64)  # runs at once in one worker process
TRIAL_SLOTS = env.int("PAIBAN_TRIAL_SLOTS", default=8)
TRIAL_DAYS = env.int("PAIBAN_TRIAL_DAYS", default=30)  # trials and replays, since they ended; 0: for good
TASK_PER_USER = env.int("PAIBAN_TASK_PER_USER", default=5)  # runs of one user at once, in all processes together
RUN_SECONDS = env.int("PAIBAN_RUN_SECONDS", default=3600)
RUN_STEPS = env.int("PAIBAN_RUN_STEPS", default=100_000)
FEATURE_MODEL_SECONDS = env.int("PAIBAN_FEATURE_MODEL_SECONDS", default=300)  # a plain answer of /v1 and of /mcp

# --- model and tool servers -------------------------------------------------------------------

# Stdio tool servers come from this catalogue only, by id, with a fixed argv; nothing else can start one.
MCP_STDIO_CATALOGUE = {
    "image-tools": {"module": "apps.mcp.image_tools", "work_dir": True, "repeatable": True},
    **stdio_servers(env.str("PAIBAN_MCP_STDIO", default="")),
}

# --- use of models ----------------------------------------------------------------------------

USAGE_ROW_DAYS = env.int("PAIBAN_USAGE_ROW_DAYS", default=90)  # single calls; the sums of their days stay
# What every user may spend on models, in credits; empty for no limit. One person's own limit is set in the admin.
_user_budget = env.str("PAIBAN_USER_BUDGET", default="")
USER_BUDGET = int(_user_budget) if _user_budget else None
USER_BUDGET_PERIOD = env.str("PAIBAN_USER_BUDGET_PERIOD", default="month")  # total | day | month

# --- logs -------------------------------------------------------------------------------------

LOG_FORMAT = env.str("PAIBAN_LOG_FORMAT", default="json")
LOG_LEVEL = env.str("PAIBAN_LOG_LEVEL", default="INFO")
LOGGING_CONFIG = None  # structlog is configured in apps.core.logging
