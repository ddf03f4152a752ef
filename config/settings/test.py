"""The test suite: real database, real Redis, nothing else from outside."""

import base64
import tempfile
from pathlib import Path

from config.settings.base import *

SECRET_KEY = "test-only-secret-key"  # noqa: S105 - never leaves the suite
SIGNING_KEYS = ["test-only-signing-key-of-at-least-32-bytes"]
MASTER_KEYS = ["t1:" + base64.b64encode(b"0" * 32).decode()]
DATA_DIR = Path(env.str("PAIBAN_TEST_DATA_DIR", default="") or tempfile.mkdtemp(prefix="paiban-test-"))
MEDIA_ROOT = DATA_DIR / "media"
WORK_DIR = DATA_DIR / "work"
CONFIG_BACKUP_DIR = DATA_DIR / "config"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOG_LEVEL = "WARNING"
ALLOWED_HOSTS = ["*"]
DATABASES["default"]["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_unicode_ci"}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not :memory:, so that threads and child processes see the same database.
    DATABASES["default"]["NAME"] = str(DATA_DIR / "paiban.sqlite3")
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
