"""Restarting what dies, stopping everything, leaving nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ops import supervisor as module
from ops.supervisor import Supervisor
from ops.workspace import ROOT

# Each writes its process id where the test finds it.
SLEEPER = "import os,pathlib,sys,time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
HARNESS = """
import sys
from ops import supervisor as module
module.LONGEST_PAUSE, module.STOP_SECONDS = 0.1, 1.0
from pathlib import Path
from ops.procfile import read_procfile
supervisor = module.Supervisor(read_procfile(Path(sys.argv[1])), {})
supervisor.listen_for_signals()
for name in supervisor.children:
    supervisor.start(name)
try:
    code = supervisor.run()
finally:
    supervisor.stop()
sys.exit(code)
"""


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(**programs: str) -> subprocess.Popen[str]:
        lines = [f'{name}: {sys.executable} -c "{code}" {tmp_path / name}' for name, code in programs.items()]
        (tmp_path / "Procfile").write_text("\n".join(lines))
        command = [sys.executable, "-c", HARNESS, str(tmp_path / "Procfile")]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def eventually(question: Callable[[], int], seconds: float = 8.0) -> int:
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)
    return answer


def pid_in(file: Path) -> int:
    text = file.read_text() if file.exists() else ""
    return int(text) if text.isdecimal() else 0


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_run__child_killed__is_started_again(supervise: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    supervise(web=SLEEPER)
    first = eventually(lambda: pid_in(tmp_path / "web"))

    os.kill(first, signal.SIGKILL)

    second = eventually(lambda: (now := pid_in(tmp_path / "web")) != first and now)
    assert is_alive(second)
    assert not is_alive(first)


def test_stop__terminated__ends_all_in_reverse_order_even_the_stubborn(
    supervise: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = supervise(redis=SLEEPER, web=SLEEPER, worker=STUBBORN)
    pids = [eventually(lambda name=name: pid_in(tmp_path / name)) for name in ("redis", "web", "worker")]

    process.terminate()
    said, _ = process.communicate(timeout=10)

    assert process.returncode == 0
    assert not any(map(is_alive, pids))
    assert "worker | did not stop in time and was killed" in said


def test_supervisor__killed_itself__takes_its_children_along(
    supervise: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux tells children about the death of their parent")
    process = supervise(web=STUBBORN)
    child = eventually(lambda: pid_in(tmp_path / "web"))

    process.kill()
    process.wait()

    eventually(lambda: not is_alive(child))


def test_run__vital_program_never_comes_up__ends_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.01)
    supervisor = Supervisor({"web": [sys.executable, "-c", "import sys; sys.exit('no such module: x')"]}, {})

    supervisor.start("web")
    code = supervisor.run()
    supervisor.stop()

    said = capsys.readouterr().out
    assert code == 1
    assert "web ended with code 1 3 times in a row. It said last:\n    no such module: x" in said


def test_start__program_missing__says_so_and_tries_again(capsys: pytest.CaptureFixture[str]) -> None:
    supervisor = Supervisor({"beat": ["/nonexistent/celery"]}, {})

    supervisor.start("beat")
    supervisor.stop()

    assert "can't start /nonexistent/celery: No such file or directory" in capsys.readouterr().out
