"""A whole Paiban of its own whose database and Redis can be stopped and started again."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from contextlib import suppress
from pathlib import Path

import httpx
from django.conf import settings
from django.db import connection

from ops.processes import free_port
from ops.redis_server import RunningRedis, start_redis
from tests.faults.fleet import DISPATCHER, WORKER, wait_until

PASSWORD = "a-password-of-the-demo"


class Database(ABC):
    """A database server that this test owns."""

    url: str

    @abstractmethod
    def stop(self) -> None: ...

    @abstractmethod
    def start(self) -> None: ...


class SqliteDatabase(Database):
    """A file; while it is stopped a folder stands in its place, so that nobody can open it."""

    def __init__(self, folder: Path) -> None:
        self._path, self._away = folder / "paiban.sqlite3", folder / "away"
        self._away.mkdir()
        self.url = f"sqlite:///{self._path}"

    def stop(self) -> None:
        for path in self._path.parent.glob(self._path.name + "*"):
            path.rename(self._away / path.name)
        self._path.mkdir()

    def start(self) -> None:
        if self._path.is_dir():
            self._path.rmdir()
        for path in self._away.iterdir():
            path.rename(self._path.parent / path.name)


class MariaDatabase(Database):
    """A MariaDB server in a folder, killed as a power cut would."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="paiban-maria-"))
        self._port = free_port()
        # Another user could not enter a scratch folder that belongs to root alone.
        self._as = ["--user=root"] if os.geteuid() == 0 else []
        self._server: subprocess.Popen[bytes] | None = None
        self.url = f"mysql://root:@127.0.0.1:{self._port}/paiban"
        install = ["mariadb-install-db", "--no-defaults", *self._as, f"--datadir={self._folder / 'data'}"]
        install += ["--skip-test-db", "--auth-root-authentication-method=normal"]
        subprocess.run(install, check=True, capture_output=True)
        self.start()
        self._client("CREATE DATABASE paiban CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")

    def _client(self, statement: str) -> None:
        argv = ["mariadb", "--no-defaults", f"--socket={self._folder / 's'}", "--user=root", f"--execute={statement}"]
        subprocess.run(argv, check=True, capture_output=True)

    def _answers(self) -> bool:
        with suppress(subprocess.CalledProcessError):
            self._client("SELECT 1")
            return True
        return False

    def stop(self) -> None:
        assert self._server is not None
        self._server.kill()
        self._server.wait()

    def start(self) -> None:
        program = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
        argv = [program, "--no-defaults", *self._as, f"--datadir={self._folder / 'data'}", f"--port={self._port}"]
        argv += [f"--socket={self._folder / 's'}", "--bind-address=127.0.0.1", "--character-set-server=utf8mb4"]
        argv += [f"--pid-file={self._folder / 'pid'}", f"--log-error={self._folder / 'log'}"]
        self._server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._answers, seconds=60, what="MariaDB answers")

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


class Site:
    """The demo's content, a Redis, a database, and as many web processes as are started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.redis: RunningRedis = start_redis(folder / "redis")
        self.database: Database = MariaDatabase() if connection.vendor == "mysql" else SqliteDatabase(folder)
        self._processes: list[subprocess.Popen[bytes]] = []
        self.manage("migrate", "--verbosity", "0")
        self.manage("seed", "--credentials", "/dev/null")

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings.dev",
            "DATABASE_URL": self.database.url,
            "REDIS_URL": self.redis.url,
            "PAIBAN_DATA_DIR": str(self.folder / "data"),
            "PAIBAN_DEMO_PASSWORD": PASSWORD,
            "SECRET_KEY": settings.SECRET_KEY,
            "PAIBAN_SIGNING_KEY": ",".join(settings.SIGNING_KEYS),
            "PAIBAN_MASTER_KEYS": ",".join(settings.MASTER_KEYS),
        }

    def manage(self, *argv: str) -> None:
        command = [sys.executable, "manage.py", *argv]
        subprocess.run(command, cwd=settings.BASE_DIR, env=self.environment(), check=True, capture_output=True)

    def start_web(self) -> str:
        """A web process; its address, once it answers."""
        port = free_port()
        self._start("web", ["-m", "uvicorn", "config.asgi:application", "--port", str(port), "--log-level", "error"])
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(address), seconds=180, what="the web process answers")
        return address

    def start_workers(self) -> None:
        """A worker and a dispatcher; what they are given before they are up waits for them."""
        self._start("worker", WORKER)
        self._start("dispatcher", DISPATCHER)

    def _start(self, name: str, argv: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as sink:
            child = subprocess.Popen(
                [sys.executable, *argv], cwd=settings.BASE_DIR, env=self.environment(), stdout=sink, stderr=sink
            )
        self._processes.append(child)

    def stop_redis(self) -> None:
        self.redis.process.kill()
        self.redis.process.wait()

    def start_redis(self) -> None:
        self.redis = start_redis(self.folder / "redis", self.redis.port)

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        self.redis.stop()
        if isinstance(self.database, MariaDatabase):
            self.database.remove()


def answers(address: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{address}/version").status_code == 200
    return False


class Load:
    """Reads configuration without pause from several threads, and counts how that went."""

    PATHS = ("/api/v1/ui/menus", "/api/v1/ui/schema", "/api/v1/ui/features", "/api/v1/ui/schema?feature=copywriter")

    def __init__(self, address: str, *, threads: int = 3) -> None:
        self._address, self._stopping = address, threading.Event()
        self.answers: Counter[int] = Counter()
        self.failures: list[str] = []
        self.slowest = 0.0
        self._threads = [threading.Thread(target=self._read, args=(n,)) for n in range(threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _read(self, number: int) -> None:
        with httpx.Client(base_url=self._address, timeout=30) as client:
            while not self._stopping.is_set():
                number += 1
                began = time.monotonic()
                try:
                    answer = client.get(self.PATHS[number % len(self.PATHS)])
                except httpx.TransportError as exc:
                    self.failures.append(repr(exc))
                    continue
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.answers[answer.status_code] += 1
                if answer.status_code != 200:
                    self.failures.append(answer.text[:200])
                self._stopping.wait(0.01)
