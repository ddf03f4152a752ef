"""Loaded before Django's settings (`-p tests.plugin`): a real Redis and a data folder per test process."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from ops.redis_server import start_redis

_folder = Path(tempfile.mkdtemp(prefix="paiban-test-"))
_server = start_redis(_folder / "redis")
os.environ["REDIS_URL"] = _server.url
os.environ["PAIBAN_TEST_DATA_DIR"] = str(_folder)
os.environ.pop("PAIBAN_DATA_DIR", None)
for _name in (
    "PAIBAN_ADMIN_PASSWORD",
    "PAIBAN_DEMO_PASSWORD",
    "SECRET_KEY",
    "PAIBAN_MASTER_KEYS",
    "PAIBAN_SIGNING_KEY",
):
    os.environ.pop(_name, None)


@atexit.register
def _clean_up() -> None:
    _server.stop()
    shutil.rmtree(_folder, ignore_errors=True)
