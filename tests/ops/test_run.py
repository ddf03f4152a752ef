"""What `make run` and `make reset` say when they can't."""

import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

from ops.environment import make_data_dir
from ops.run import LOCK
from ops.workspace import ROOT


def ops(verb: str, data: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PAIBAN_DATA_DIR": str(data), "HOST": "127.0.0.1", **variables}
    env.pop("MAKELEVEL", None)
    command = [sys.executable, "-m", "ops", verb]
    return subprocess.run(
        command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def test_run__port_busy__says_so_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        done = ops("run", tmp_path, PORT=str(port))

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"Port {port} on 127.0.0.1 is in use by another program. Choose another one: PORT={port + 1} make run\n"
    )


def test_run__data_folder_in_use__says_by_whom_in_one_line(tmp_path: Path) -> None:
    make_data_dir(tmp_path)
    with (tmp_path / LOCK).open("w") as handle:
        handle.write("process 1234, http://127.0.0.1:8000/")
        handle.flush()
        fcntl.flock(handle, fcntl.LOCK_EX)

        done = ops("run", tmp_path, PORT="1")

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "already runs" in done.stderr
    assert "process 1234, http://127.0.0.1:8000/" in done.stderr


def test_reset__nobody_to_ask__deletes_nothing(tmp_path: Path) -> None:
    make_data_dir(tmp_path)
    (tmp_path / "paiban.sqlite3").write_text("rows")

    done = ops("reset", tmp_path)

    assert done.returncode == 1
    assert "YES=1 make reset" in done.stderr
    assert (tmp_path / "paiban.sqlite3").read_text() == "rows"


def test_reset__confirmed__empties_the_folder(tmp_path: Path) -> None:
    make_data_dir(tmp_path)
    (tmp_path / "paiban.sqlite3").write_text("rows")
    (tmp_path / ".env").write_text("SECRET_KEY=x\n")

    done = ops("reset", tmp_path, YES="1")

    assert done.returncode == 0, done.stderr
    assert not {".env", "paiban.sqlite3", "media", "logs"} & {entry.name for entry in tmp_path.iterdir()}


def test_reset__folder_of_somebody_else__is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years")

    done = ops("reset", tmp_path, YES="1")

    assert done.returncode == 1
    assert "was not made by Paiban" in done.stderr
    assert (tmp_path / "thesis.txt").exists()


def test_main__verb_that_does_not_exist__lists_those_that_do(tmp_path: Path) -> None:
    done = ops("dance", tmp_path)

    assert done.returncode == 2
    assert "no such verb 'dance'" in done.stderr
    assert "admin-password" in done.stderr
